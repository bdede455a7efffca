"""The Terraform files' own values, made in moto's AWS on the loopback by the calls that the provider would make.

It shows that the API takes them as moto checks it, and that they fit together. It is no `terraform apply`: what
moto does not check, and what the real provider does on its own, stays untried.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from moto_provider import MotoProvider
from terraform_kit import TERRAFORM, Module

REGION = "us-east-1"
INPUTS = {"token": "t" * 64, "client_cidrs": ["203.0.113.0/24"]}


@pytest.fixture(scope="module")
def cloud() -> Iterator[MotoProvider]:
    """One account for all tests, as an empty one takes moto seconds to make."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")
        from moto.server import ThreadedMotoServer  # takes a second and more to load

        server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        yield MotoProvider(f"http://{host}:{port}", REGION)
        server.stop()


@pytest.fixture(scope="module")
def direct(cloud: MotoProvider) -> dict[str, Any]:
    """Outputs of Fargate that clients call without a load balancer."""
    inputs = {**INPUTS, "name": "direct", "platform": "fargate"}
    return Module(TERRAFORM, inputs, cloud).apply().outputs()


@pytest.fixture(scope="module")
def balanced(cloud: MotoProvider) -> dict[str, Any]:
    """Outputs of Spot instances behind a load balancer, in a network of its own."""
    inputs = {
        **INPUTS,
        "name": "balanced",
        "platform": "ec2",
        "vpc_cidr": "10.1.0.0/16",
        "spot": True,
        "certificate_arn": certificate_arn(cloud),
        "domain_name": "c.example.org",
        "zone_id": zone_id(cloud),
    }
    return Module(TERRAFORM, inputs, cloud).apply().outputs()


def zone_id(cloud: MotoProvider) -> str:
    made = cloud.client("route53").create_hosted_zone(Name="example.org", CallerReference="1")
    found: str = made["HostedZone"]["Id"].rpartition("/")[2]
    return found


def certificate_arn(cloud: MotoProvider) -> str:
    found: str = cloud.client("acm").request_certificate(DomainName="c.example.org")["CertificateArn"]
    return found


def groups(cloud: MotoProvider) -> dict[str, dict[str, Any]]:
    found = cloud.client("ec2").describe_security_groups()["SecurityGroups"]
    return {group["GroupName"]: group for group in found}


def test_the_network_is_there_and_leads_out(cloud: MotoProvider, direct: dict[str, Any]) -> None:
    ec2 = cloud.client("ec2")
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "cidr", "Values": ["10.0.0.0/16"]}])["Vpcs"]
    of_vpc = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    subnets = ec2.describe_subnets(Filters=of_vpc)["Subnets"]
    assert {subnet["CidrBlock"] for subnet in subnets} == {"10.0.1.0/24", "10.0.2.0/24"}
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 2
    tables = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"]
    (table,) = [table for table in tables if not any(each.get("Main") for each in table["Associations"])]
    assert {each["SubnetId"] for each in table["Associations"]} == {subnet["SubnetId"] for subnet in subnets}
    attached = [{"Name": "attachment.vpc-id", "Values": [vpc["VpcId"]]}]
    (gateway,) = ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]
    assert ("0.0.0.0/0", gateway["InternetGatewayId"]) in [
        (route["DestinationCidrBlock"], route.get("GatewayId")) for route in table["Routes"]
    ]
    defaults = [*of_vpc, {"Name": "group-name", "Values": ["default"]}]
    (closed,) = ec2.describe_security_groups(Filters=defaults)["SecurityGroups"]
    assert closed["IpPermissions"] == closed["IpPermissionsEgress"] == []


def test_only_the_named_clients_reach_the_container(cloud: MotoProvider, direct: dict[str, Any]) -> None:
    (rule,) = groups(cloud)["direct-server"]["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (8080, 8080, "tcp")
    assert [each["CidrIp"] for each in rule["IpRanges"]] == ["203.0.113.0/24"]
    (out,) = groups(cloud)["direct-server"]["IpPermissionsEgress"]
    assert (out["FromPort"], out["ToPort"]) == (443, 443)


def test_fargate_runs_the_task(cloud: MotoProvider, direct: dict[str, Any]) -> None:
    ecs = cloud.client("ecs")
    found = ecs.describe_services(cluster=direct["cluster_name"], services=[direct["service_name"]])
    (service,) = found["services"]
    assert service["desiredCount"] == 1
    assert service["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == "ENABLED"
    task = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
    assert (task["cpu"], task["memory"], task["networkMode"]) == ("512", "1024", "awsvpc")
    (container,) = task["containerDefinitions"]
    assert container["image"] == f"{direct['repository_url']}:0.1.0"
    secret = cloud.client("secretsmanager").get_secret_value(SecretId=container["secrets"][0]["valueFrom"])
    assert secret["SecretString"] == INPUTS["token"]
    assert container["logConfiguration"]["options"]["awslogs-group"] == direct["log_group_name"]
    assert direct["server_url"] is None


@pytest.mark.parametrize(
    ("role", "anywhere"),
    [
        ("direct-execution", {"ecr:GetAuthorizationToken"}),
        ("balanced-execution", {"ecr:GetAuthorizationToken"}),
        ("balanced-instance", {"ecs:DiscoverPollEndpoint"}),
    ],
)
def test_a_role_may_do_what_it_must_and_no_more(
    cloud: MotoProvider, direct: dict[str, Any], balanced: dict[str, Any], role: str, anywhere: set[str]
) -> None:
    iam = cloud.client("iam")
    (name,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    for statement in iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]:
        assert not any("*" in action for action in statement["Action"])
        if statement["Resource"] == ["*"]:
            assert set(statement["Action"]) == anywhere
    assert iam.list_role_policies(RoleName="direct-task")["PolicyNames"] == []


def test_the_load_balancer_speaks_https_and_alone_reaches_the_instances(
    cloud: MotoProvider, balanced: dict[str, Any]
) -> None:
    elb = cloud.client("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    assert (listener["Protocol"], listener["Port"]) == ("HTTPS", 443)
    (target,) = elb.describe_target_groups()["TargetGroups"]
    assert (target["HealthCheckPath"], target["TargetType"], target["Port"]) == ("/", "instance", 8080)
    (inside,) = groups(cloud)["balanced-server"]["IpPermissions"]
    assert inside["IpRanges"] == []
    assert inside["UserIdGroupPairs"][0]["GroupId"] == groups(cloud)["balanced-balancer"]["GroupId"]
    (service,) = cloud.client("ecs").describe_services(cluster="balanced", services=["balanced"])["services"]
    assert service["loadBalancers"][0]["targetGroupArn"] == target["TargetGroupArn"]

    route53 = cloud.client("route53")
    (zone,) = route53.list_hosted_zones()["HostedZones"]
    records = route53.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]
    (alias,) = [record for record in records if record["Type"] == "A"]
    assert f"https://{alias['Name'].rstrip('.')}" == balanced["server_url"] == "https://c.example.org"
    assert alias["AliasTarget"]["DNSName"].rstrip(".") == balancer["DNSName"].rstrip(".")


def test_instances_come_from_the_spot_market_and_by_need(cloud: MotoProvider, balanced: dict[str, Any]) -> None:
    (group,) = cloud.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    spread = group["MixedInstancesPolicy"]["InstancesDistribution"]
    assert spread["OnDemandPercentageAboveBaseCapacity"] == 0
    launched = group["MixedInstancesPolicy"]["LaunchTemplate"]["LaunchTemplateSpecification"]
    (template,) = cloud.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=launched["LaunchTemplateId"]
    )["LaunchTemplateVersions"]
    assert template["LaunchTemplateData"]["InstanceType"] == "t3.medium"
    assert "ECS_CLUSTER=balanced" in base64.b64decode(template["LaunchTemplateData"]["UserData"]).decode()
    (provider,) = cloud.client("ecs").describe_capacity_providers(capacityProviders=["balanced-instances"])[
        "capacityProviders"
    ]
    assert provider["autoScalingGroupProvider"]["autoScalingGroupArn"] == group["AutoScalingGroupARN"]
    policies = cloud.client("application-autoscaling").describe_scaling_policies(ServiceNamespace="ecs")
    names = {policy["PolicyName"] for policy in policies["ScalingPolicies"]}
    assert {"balanced-cpu", "balanced-requests"} <= names
