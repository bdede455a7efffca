"""Makes a plan's resources in moto's AWS by boto3, with the calls that the Terraform provider would make.

A kind that is not known here is an error.
"""

from __future__ import annotations

import json

from moto_network import Config, MotoNetwork


def policy_document(config: Config) -> str:
    """Return what `data.aws_iam_policy_document` makes of its blocks."""
    statements = []
    for block in config["statement"]:
        statement: Config = {"Effect": block.get("effect", "Allow"), "Action": block["actions"]}
        if "sid" in block:
            statement["Sid"] = block["sid"]
        if "resources" in block:
            statement["Resource"] = block["resources"]
        if "principals" in block:
            statement["Principal"] = {each["type"]: each["identifiers"] for each in block["principals"]}
        for each in block.get("condition", []):
            statement.setdefault("Condition", {}).setdefault(each["test"], {})[each["variable"]] = each["values"]
        statements.append(statement)
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


class MotoProvider(MotoNetwork):
    """A `Provider` of `terraform_kit`."""

    def make(self, kind: str, address: str, config: Config) -> Config:
        made: Config = getattr(self, "_" + kind.removeprefix("data.").removeprefix("aws_"))(config)
        return made

    # What is read.

    def _availability_zones(self, _: Config) -> Config:
        zones = self.client("ec2").describe_availability_zones()["AvailabilityZones"]
        return {"names": [zone["ZoneName"] for zone in zones]}

    def _caller_identity(self, _: Config) -> Config:
        return {"account_id": self.client("sts").get_caller_identity()["Account"]}

    def _region(self, _: Config) -> Config:
        return {"region": self.region}

    def _partition(self, _: Config) -> Config:
        return {"partition": "aws"}

    def _iam_policy_document(self, config: Config) -> Config:
        return {"json": policy_document(config)}

    def _ssm_parameter(self, _: Config) -> Config:
        """moto has none of the public parameters of ECS, so an image of one's own stands for the machine image."""
        return {"value": self.client("ec2").register_image(Name="ecs-optimized")["ImageId"]}

    # The registry, the log, the token, the roles.

    def _ecr_repository(self, config: Config) -> Config:
        made = self.client("ecr").create_repository(
            repositoryName=config["name"], imageTagMutability=config["image_tag_mutability"]
        )["repository"]
        return {"repository_url": made["repositoryUri"], "arn": made["repositoryArn"]}

    def _ecr_lifecycle_policy(self, config: Config) -> Config:
        self.client("ecr").put_lifecycle_policy(
            repositoryName=config["repository"], lifecyclePolicyText=config["policy"]
        )
        return {}

    def _cloudwatch_log_group(self, config: Config) -> Config:
        logs, name = self.client("logs"), config["name"]
        logs.create_log_group(logGroupName=name)
        logs.put_retention_policy(logGroupName=name, retentionInDays=config["retention_in_days"])
        arn: str = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["arn"]
        return {"arn": arn.removesuffix(":*")}

    def _secretsmanager_secret(self, config: Config) -> Config:
        arn = self.client("secretsmanager").create_secret(Name=config["name_prefix"] + "1")["ARN"]
        return {"arn": arn, "id": arn}

    def _secretsmanager_secret_version(self, config: Config) -> Config:
        self.client("secretsmanager").put_secret_value(
            SecretId=config["secret_id"], SecretString=config["secret_string_wo"]
        )
        return {}

    def _iam_role(self, config: Config) -> Config:
        made = self.client("iam").create_role(
            RoleName=config["name"], AssumeRolePolicyDocument=config["assume_role_policy"]
        )
        return {"id": config["name"], "arn": made["Role"]["Arn"]}

    def _iam_role_policy(self, config: Config) -> Config:
        self.client("iam").put_role_policy(
            RoleName=config["role"], PolicyName=config["name"], PolicyDocument=config["policy"]
        )
        return {}

    def _iam_instance_profile(self, config: Config) -> Config:
        made = self.client("iam").create_instance_profile(InstanceProfileName=config["name"])
        self.client("iam").add_role_to_instance_profile(
            InstanceProfileName=config["name"], RoleName=config["role"]
        )
        return {"arn": made["InstanceProfile"]["Arn"]}

    # What runs.

    def _ecs_cluster(self, config: Config) -> Config:
        return {"arn": self.client("ecs").create_cluster(clusterName=config["name"])["cluster"]["clusterArn"]}

    def _ecs_task_definition(self, config: Config) -> Config:
        (platform,) = config["runtime_platform"]
        size = {"cpu": str(config["cpu"])} if config["cpu"] is not None else {}
        made = self.client("ecs").register_task_definition(
            family=config["family"],
            requiresCompatibilities=config["requires_compatibilities"],
            networkMode=config["network_mode"],
            memory=str(config["memory"]),
            executionRoleArn=config["execution_role_arn"],
            taskRoleArn=config["task_role_arn"],
            runtimePlatform={
                "operatingSystemFamily": platform["operating_system_family"],
                "cpuArchitecture": platform["cpu_architecture"],
            },
            containerDefinitions=json.loads(config["container_definitions"]),
            **size,
        )
        return {"arn": made["taskDefinition"]["taskDefinitionArn"]}

    def _ecs_capacity_provider(self, config: Config) -> Config:
        (group,) = config["auto_scaling_group_provider"]
        (scaling,) = group["managed_scaling"]
        self.client("ecs").create_capacity_provider(
            name=config["name"],
            autoScalingGroupProvider={
                "autoScalingGroupArn": group["auto_scaling_group_arn"],
                "managedScaling": {"status": scaling["status"], "targetCapacity": scaling["target_capacity"]},
                "managedTerminationProtection": group["managed_termination_protection"],
                "managedDraining": group["managed_draining"],
            },
        )
        return {}

    def _ecs_cluster_capacity_providers(self, config: Config) -> Config:
        self.client("ecs").put_cluster_capacity_providers(
            cluster=config["cluster_name"],
            capacityProviders=config["capacity_providers"],
            defaultCapacityProviderStrategy=[],
        )
        return {}

    def _ecs_service(self, config: Config) -> Config:
        more: Config = {}
        for network in config.get("network_configuration", []):
            more["networkConfiguration"] = {
                "awsvpcConfiguration": {
                    "subnets": network["subnets"],
                    "securityGroups": network["security_groups"],
                    "assignPublicIp": "ENABLED" if network["assign_public_ip"] else "DISABLED",
                }
            }
        for balancer in config.get("load_balancer", []):
            more["loadBalancers"] = [
                {
                    "targetGroupArn": balancer["target_group_arn"],
                    "containerName": balancer["container_name"],
                    "containerPort": balancer["container_port"],
                }
            ]
        self.client("ecs").create_service(
            serviceName=config["name"],
            cluster=config["cluster"],
            taskDefinition=config["task_definition"],
            desiredCount=config["desired_count"],
            capacityProviderStrategy=[
                {
                    "capacityProvider": each["capacity_provider"],
                    "base": each.get("base", 0),
                    "weight": each["weight"],
                }
                for each in config["capacity_provider_strategy"]
            ],
            **more,
        )
        return {}

    def _launch_template(self, config: Config) -> Config:
        (profile,), (network,) = config["iam_instance_profile"], config["network_interfaces"]
        (metadata,) = config["metadata_options"]
        made = self.client("ec2").create_launch_template(
            LaunchTemplateName=config["name_prefix"] + "1",
            LaunchTemplateData={
                "ImageId": config["image_id"],
                "InstanceType": config["instance_type"],
                "UserData": config["user_data"],
                "IamInstanceProfile": {"Arn": profile["arn"]},
                "MetadataOptions": {
                    "HttpEndpoint": metadata["http_endpoint"],
                    "HttpTokens": metadata["http_tokens"],
                    "HttpPutResponseHopLimit": metadata["http_put_response_hop_limit"],
                },
                "NetworkInterfaces": [
                    {
                        "DeviceIndex": 0,
                        "AssociatePublicIpAddress": network["associate_public_ip_address"],
                        "Groups": network["security_groups"],
                    }
                ],
            },
        )["LaunchTemplate"]
        return {"id": made["LaunchTemplateId"], "latest_version": str(made["LatestVersionNumber"])}

    def _autoscaling_group(self, config: Config) -> Config:
        (policy,) = config["mixed_instances_policy"]
        (template,) = policy["launch_template"][0]["launch_template_specification"]
        (spread,) = policy["instances_distribution"]
        name = config["name_prefix"] + "1"
        self.client("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=config["min_size"],
            MaxSize=config["max_size"],
            VPCZoneIdentifier=",".join(config["vpc_zone_identifier"]),
            NewInstancesProtectedFromScaleIn=config["protect_from_scale_in"],
            MixedInstancesPolicy={
                "LaunchTemplate": {
                    "LaunchTemplateSpecification": {
                        "LaunchTemplateId": template["launch_template_id"],
                        "Version": template["version"],
                    }
                },
                "InstancesDistribution": {
                    "OnDemandBaseCapacity": spread["on_demand_base_capacity"],
                    "OnDemandPercentageAboveBaseCapacity": spread["on_demand_percentage_above_base_capacity"],
                    "SpotAllocationStrategy": spread["spot_allocation_strategy"],
                },
            },
        )
        groups = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        return {"arn": groups["AutoScalingGroups"][0]["AutoScalingGroupARN"]}

    def _appautoscaling_target(self, config: Config) -> Config:
        self.client("application-autoscaling").register_scalable_target(
            **self._scaled(config), MinCapacity=config["min_capacity"], MaxCapacity=config["max_capacity"]
        )
        return {}

    def _appautoscaling_policy(self, config: Config) -> Config:
        (tracking,) = config["target_tracking_scaling_policy_configuration"]
        (metric,) = tracking["predefined_metric_specification"]
        label = {"ResourceLabel": metric["resource_label"]} if "resource_label" in metric else {}
        self.client("application-autoscaling").put_scaling_policy(
            **self._scaled(config),
            PolicyName=config["name"],
            PolicyType=config["policy_type"],
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": tracking["target_value"],
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": metric["predefined_metric_type"],
                    **label,
                },
            },
        )
        return {}

    @staticmethod
    def _scaled(config: Config) -> Config:
        return {
            "ServiceNamespace": config["service_namespace"],
            "ResourceId": config["resource_id"],
            "ScalableDimension": config["scalable_dimension"],
        }
