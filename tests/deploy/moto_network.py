"""The part of `moto_provider` that makes the network and the load balancer, and the clients for all of it."""

from __future__ import annotations

from typing import Any

import boto3

_KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
Config = dict[str, Any]


class MotoNetwork:
    """`region` and `endpoint_url` say where moto's server listens, which must be on the loopback."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        assert endpoint_url.startswith("http://127.0.0.1:")
        self._where = {"endpoint_url": endpoint_url, "region_name": region}
        self._clients: dict[str, Any] = {}
        self.region = region

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(service, **self._where, **_KEYS)  # type: ignore[call-overload]
        return self._clients[service]

    def _vpc(self, config: Config) -> Config:
        vpc_id = self.client("ec2").create_vpc(CidrBlock=config["cidr_block"])["Vpc"]["VpcId"]
        hostnames = {"Value": config["enable_dns_hostnames"]}
        self.client("ec2").modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames=hostnames)
        return {"id": vpc_id}

    def _default_security_group(self, config: Config) -> Config:
        filters = [
            {"Name": "vpc-id", "Values": [config["vpc_id"]]},
            {"Name": "group-name", "Values": ["default"]},
        ]
        (group,) = self.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
        self._without_rules(group)
        return {"id": group["GroupId"]}

    def _without_rules(self, group: Config) -> None:
        ec2, group_id = self.client("ec2"), group["GroupId"]
        if group["IpPermissions"]:
            ec2.revoke_security_group_ingress(GroupId=group_id, IpPermissions=group["IpPermissions"])
        if group["IpPermissionsEgress"]:
            ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=group["IpPermissionsEgress"])

    def _subnet(self, config: Config) -> Config:
        made = self.client("ec2").create_subnet(
            VpcId=config["vpc_id"],
            CidrBlock=config["cidr_block"],
            AvailabilityZone=config["availability_zone"],
        )
        return {"id": made["Subnet"]["SubnetId"]}

    def _internet_gateway(self, config: Config) -> Config:
        gateway_id = self.client("ec2").create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.client("ec2").attach_internet_gateway(InternetGatewayId=gateway_id, VpcId=config["vpc_id"])
        return {"id": gateway_id}

    def _route_table(self, config: Config) -> Config:
        return {"id": self.client("ec2").create_route_table(VpcId=config["vpc_id"])["RouteTable"]["RouteTableId"]}

    def _route(self, config: Config) -> Config:
        self.client("ec2").create_route(
            RouteTableId=config["route_table_id"],
            DestinationCidrBlock=config["destination_cidr_block"],
            GatewayId=config["gateway_id"],
        )
        return {}

    def _route_table_association(self, config: Config) -> Config:
        self.client("ec2").associate_route_table(
            RouteTableId=config["route_table_id"], SubnetId=config["subnet_id"]
        )
        return {}

    def _security_group(self, config: Config) -> Config:
        group_id = self.client("ec2").create_security_group(
            GroupName=config["name"], Description=config["description"], VpcId=config["vpc_id"]
        )["GroupId"]
        (group,) = self.client("ec2").describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
        self._without_rules(group)  # as Terraform does: the cloud's own rule lets everything out
        return {"id": group_id}

    def _vpc_security_group_ingress_rule(self, config: Config) -> Config:
        self.client("ec2").authorize_security_group_ingress(**self._rule(config))
        return {}

    def _vpc_security_group_egress_rule(self, config: Config) -> Config:
        self.client("ec2").authorize_security_group_egress(**self._rule(config))
        return {}

    @staticmethod
    def _rule(config: Config) -> Config:
        rule: Config = {
            "IpProtocol": config["ip_protocol"],
            "FromPort": config["from_port"],
            "ToPort": config["to_port"],
        }
        if "cidr_ipv4" in config:
            rule["IpRanges"] = [{"CidrIp": config["cidr_ipv4"], "Description": config["description"]}]
        else:
            rule["UserIdGroupPairs"] = [{"GroupId": config["referenced_security_group_id"]}]
        return {"GroupId": config["security_group_id"], "IpPermissions": [rule]}

    # The load balancer.

    def _lb(self, config: Config) -> Config:
        (made,) = self.client("elbv2").create_load_balancer(
            Name=config["name"],
            Subnets=config["subnets"],
            SecurityGroups=config["security_groups"],
            Scheme="internal" if config["internal"] else "internet-facing",
            Type=config["load_balancer_type"],
        )["LoadBalancers"]
        arn: str = made["LoadBalancerArn"]
        return {
            "arn": arn,
            "arn_suffix": arn.rpartition(":loadbalancer/")[2],
            "dns_name": made["DNSName"],
            "zone_id": made["CanonicalHostedZoneId"],
        }

    def _lb_target_group(self, config: Config) -> Config:
        (check,) = config["health_check"]
        (made,) = self.client("elbv2").create_target_group(
            Name=config["name"],
            VpcId=config["vpc_id"],
            Protocol=config["protocol"],
            Port=config["port"],
            TargetType=config["target_type"],
            HealthCheckPath=check["path"],
            HealthCheckIntervalSeconds=check["interval"],
            HealthCheckTimeoutSeconds=check["timeout"],
            HealthyThresholdCount=check["healthy_threshold"],
            UnhealthyThresholdCount=check["unhealthy_threshold"],
            Matcher={"HttpCode": check["matcher"]},
        )["TargetGroups"]
        arn: str = made["TargetGroupArn"]
        return {"arn": arn, "arn_suffix": arn.rpartition(":")[2]}

    def _lb_listener(self, config: Config) -> Config:
        (action,) = config["default_action"]
        self.client("elbv2").create_listener(
            LoadBalancerArn=config["load_balancer_arn"],
            Protocol=config["protocol"],
            Port=config["port"],
            SslPolicy=config["ssl_policy"],
            Certificates=[{"CertificateArn": config["certificate_arn"]}],
            DefaultActions=[{"Type": action["type"], "TargetGroupArn": action["target_group_arn"]}],
        )
        return {}

    def _route53_record(self, config: Config) -> Config:
        (alias,) = config["alias"]
        target = {
            "DNSName": alias["name"],
            "HostedZoneId": alias["zone_id"],
            "EvaluateTargetHealth": alias["evaluate_target_health"],
        }
        record = {"Name": config["name"], "Type": config["type"], "AliasTarget": target}
        self.client("route53").change_resource_record_sets(
            HostedZoneId=config["zone_id"],
            ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
        )
        return {}
