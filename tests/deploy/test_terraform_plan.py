"""The Terraform files: every variant is put together, and what comes out is as S0 and security want it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from terraform_kit import TERRAFORM, Module, PlanError, read_folder

from server_stub.options import read_settings

BASE = {"token": "t" * 64, "client_cidrs": ["203.0.113.0/24"]}
BALANCED = {"certificate_arn": "arn:aws:acm:us-east-1:123456789012:certificate/1", "domain_name": "c.example.org"}


SCHEMA = json.loads((Path(__file__).parent / "aws_provider_schema.json").read_text("utf-8"))


class Names:
    """Invents a value for each attribute that the provider gives a resource: its address and the name."""

    def make(self, kind: str, address: str, config: dict[str, Any]) -> dict[str, Any]:
        if kind == "data.aws_availability_zones":
            return {"names": ["us-east-1a", "us-east-1b", "us-east-1c"]}
        return {name: f"<{address}.{name}>" for name in SCHEMA[kind]["attributes"]}


def plan(**inputs: Any) -> Module:
    return Module(TERRAFORM, {**BASE, **inputs}, Names()).apply()


VARIANTS = [
    {"platform": platform, "spot": spot, "architecture": architecture, **balanced}
    for platform in ("fargate", "ec2")
    for spot in (False, True)
    for architecture in ("X86_64", "ARM64")
    for balanced in ({}, BALANCED)
]


def of_kind(module: Module, kind: str) -> list[dict[str, Any]]:
    return [
        config
        for address, config in module.all_resources().items()
        if kind in address.replace("[", ".").split(".") and ".data." not in f".{address}"
    ]


@pytest.mark.parametrize("inputs", VARIANTS, ids=lambda inputs: "-".join(map(str, list(inputs.values())[:4])))
def test_every_variant_resolves_and_lets_in_only_whom_it_names(inputs: dict[str, Any]) -> None:
    module = plan(**inputs)
    rules = of_kind(module, "aws_vpc_security_group_ingress_rule")
    balanced = "certificate_arn" in inputs
    assert len(rules) == (2 if balanced else 1)
    for rule in rules:
        assert rule.get("cidr_ipv4") != "0.0.0.0/0"
        assert rule["from_port"] == rule["to_port"] == (443 if balanced and "cidr_ipv4" in rule else 8080)
    (service,) = of_kind(module, "aws_ecs_service")
    assert service["desired_count"] == 1
    assert len(service.get("load_balancer", [])) == (1 if balanced else 0)
    outputs = module.outputs()
    assert outputs["server_url"] == ("https://c.example.org" if balanced else None)
    assert outputs["find_address"].startswith("aws ec2 describe-")
    assert outputs["service_name"] == "offload"
    assert "t" * 64 not in json.dumps(
        {a: c for a, c in module.all_resources().items() if "secret_version" not in a}, default=str
    )


def test_the_network_is_s0_s() -> None:
    module = plan()
    (vpc,) = of_kind(module, "aws_vpc")
    assert vpc["cidr_block"] == "10.0.0.0/16"
    assert [subnet["cidr_block"] for subnet in of_kind(module, "aws_subnet")] == ["10.0.1.0/24", "10.0.2.0/24"]
    (route,) = of_kind(module, "aws_route")
    assert route["destination_cidr_block"] == "0.0.0.0/0"
    assert "aws_internet_gateway" in route["gateway_id"]


def test_fargate_is_s0_s_task() -> None:
    module = plan(platform="fargate")
    (task,) = of_kind(module, "aws_ecs_task_definition")
    assert (task["cpu"], task["memory"]) == (512, 1024)
    assert task["requires_compatibilities"] == ["FARGATE"]
    assert task["network_mode"] == "awsvpc"
    (service,) = of_kind(module, "aws_ecs_service")
    assert service["capacity_provider_strategy"] == [{"capacity_provider": "FARGATE", "base": 0, "weight": 1}]
    assert service["network_configuration"][0]["assign_public_ip"] is True


def test_ec2_is_s0_s_instance() -> None:
    module = plan(platform="ec2")
    (template,) = of_kind(module, "aws_launch_template")
    assert template["instance_type"] == "t3.medium"
    assert template["metadata_options"][0]["http_tokens"] == "required"
    (parameter,) = [c for a, c in module.all_resources().items() if "aws_ssm_parameter" in a]
    assert parameter["name"] == "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
    (task,) = of_kind(module, "aws_ecs_task_definition")
    assert task["requires_compatibilities"] == ["EC2"]
    assert task["cpu"] == 2048  # the service's CPU use is set against it


def test_the_registry_goes_with_its_images() -> None:
    (repository,) = of_kind(plan(), "aws_ecr_repository")
    assert repository["force_delete"] is True


@pytest.mark.parametrize(
    ("inputs", "strategy"),
    [
        ({"spot": True}, [("FARGATE", 0, 0), ("FARGATE_SPOT", None, 1)]),
        ({"spot": True, "on_demand_base": 1}, [("FARGATE", 1, 0), ("FARGATE_SPOT", None, 1)]),
    ],
)
def test_fargate_spot(inputs: dict[str, Any], strategy: list[tuple[str, int | None, int]]) -> None:
    (service,) = of_kind(plan(**inputs), "aws_ecs_service")
    found = [(s["capacity_provider"], s.get("base"), s["weight"]) for s in service["capacity_provider_strategy"]]
    assert found == strategy


def test_ec2_spot_and_arm() -> None:
    module = plan(platform="ec2", spot=True, architecture="ARM64")
    (template,) = of_kind(module, "aws_launch_template")
    assert template["instance_type"] == "t4g.medium"
    (group,) = of_kind(module, "aws_autoscaling_group")
    (distribution,) = group["mixed_instances_policy"][0]["instances_distribution"]
    assert distribution["on_demand_percentage_above_base_capacity"] == 0
    (parameter,) = [c for a, c in module.all_resources().items() if "aws_ssm_parameter" in a]
    assert "/arm64/" in parameter["name"]
    (task,) = of_kind(module, "aws_ecs_task_definition")
    assert task["runtime_platform"][0]["cpu_architecture"] == "ARM64"


def test_the_container_is_the_image_s_and_as_restricted() -> None:
    """The Dockerfile's port, user, health check, and the server's own variables."""
    (task,) = of_kind(plan(**BALANCED), "aws_ecs_task_definition")
    (container,) = json.loads(task["container_definitions"])
    dockerfile = (TERRAFORM.parent / "Dockerfile").read_text("utf-8")
    assert f"EXPOSE {container['portMappings'][0]['containerPort']}" in dockerfile
    assert f"USER {container['user']}" in dockerfile
    assert f"CMD {json.dumps(container['healthCheck']['command'][1:])}" in dockerfile
    assert container["readonlyRootFilesystem"] is True
    assert container["linuxParameters"] == {"capabilities": {"drop": ["ALL"]}}
    (secret,) = container["secrets"]
    assert secret["name"] == "OFFLOAD_TOKEN"
    assert {item["name"]: item["value"] for item in container["environment"]} == {
        "OFFLOAD_SERVER_WORKERS": "1",
        "OFFLOAD_SERVER_TRUSTED_PROXIES": "10.0.0.0/16",
    }


def test_the_server_understands_its_variables() -> None:
    (task,) = of_kind(plan(**BALANCED), "aws_ecs_task_definition")
    (container,) = json.loads(task["container_definitions"])
    environment = {item["name"]: item["value"] for item in container["environment"]}
    settings = read_settings([], environment, prog="terraform")
    assert settings.workers == 1
    assert list(map(str, settings.trusted_proxies)) == ["10.0.0.0/16"]
    assert settings.drain_s < container["stopTimeout"]
    (balancer,) = of_kind(plan(**BALANCED), "aws_lb")
    assert settings.keep_alive_s > balancer["idle_timeout"]


def test_the_token_is_written_only_where_the_state_does_not_see_it() -> None:
    (version,) = of_kind(plan(), "aws_secretsmanager_secret_version")
    assert set(version) == {"secret_id", "secret_string_wo", "secret_string_wo_version"}


def test_auto_scaling_goes_by_cpu_and_by_requests() -> None:
    policies = of_kind(plan(**BALANCED), "aws_appautoscaling_policy")
    targets = {
        policy["target_tracking_scaling_policy_configuration"][0]["predefined_metric_specification"][0][
            "predefined_metric_type"
        ]: policy["target_tracking_scaling_policy_configuration"][0]["target_value"]
        for policy in policies
    }
    assert targets == {
        "ECSServiceAverageCPUUtilization": 70,
        "ALBRequestCountPerTarget": 945,  # 45 images/s of a vCPU, half of one, 70 %, a minute
    }
    assert len(of_kind(plan(), "aws_appautoscaling_policy")) == 1


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"client_cidrs": ["0.0.0.0/0"]}, "speaks plain HTTP"),
        ({"client_cidrs": ["1.2.3.4/0"], "platform": "ec2"}, "speaks plain HTTP"),
        ({"client_cidrs": ["everybody"]}, "Each is a range"),
        ({"platform": "lambda"}, "fargate or ec2"),
        ({"architecture": "arm"}, "X86_64 or ARM64"),
        ({"token": "short"}, "32 characters"),
        ({"name": "Offload_1"}, "lower-case"),
        ({"max_count": 0}, "fewer tasks at most"),
        ({"certificate_arn": "arn:aws:acm:eu-south-1:1:certificate/1"}, "give the domain_name"),
        ({"colour": "red"}, "no variable"),
    ],
)
def test_a_wrong_value_is_refused(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        plan(**inputs)


def test_everybody_may_be_let_in_by_https() -> None:
    rules = of_kind(plan(**BALANCED, client_cidrs=["0.0.0.0/0"]), "aws_vpc_security_group_ingress_rule")
    assert {(rule.get("cidr_ipv4"), rule["from_port"]) for rule in rules} == {("0.0.0.0/0", 443), (None, 8080)}


def misfits(config: dict[str, Any], schema: dict[str, Any], where: str) -> Iterator[str]:
    """Yield every argument that the provider does not know, and every one that it must be given and is not."""
    names = {name.rstrip("!"): inner for name, inner in schema.items()}
    yield from (f"{where}.{name}: unknown" for name in set(config) - set(names))
    needed = [name.rstrip("!") for name in schema if name.endswith("!")]
    yield from (f"{where}.{name}: missing" for name in needed if name not in config)
    for name, value in config.items():
        for block in value if isinstance(value, list) else []:
            if names.get(name) is not None:
                yield from misfits(block, names[name], f"{where}.{name}")


@pytest.mark.parametrize("inputs", [{"platform": "fargate"}, {"platform": "ec2", **BALANCED, "zone_id": "Z1"}])
def test_the_provider_knows_every_argument_and_gets_all_that_it_needs(inputs: dict[str, Any]) -> None:
    """Against the schema of hashicorp/aws 6.25: extract_provider_schema.py."""
    found = []
    for address, config in plan(**inputs).all_resources().items():
        words = address.replace("[", ".").split(".")
        kind = next(word for word in words if word.startswith("aws_"))
        found += list(misfits(config, SCHEMA[f"data.{kind}" if "data" in words else kind]["arguments"], address))
    assert found == []


def test_the_check_of_arguments_sees_mistakes() -> None:
    schema = SCHEMA["aws_ecs_service"]["arguments"]
    assert list(misfits({"names": "x"}, schema, "s")) == ["s.names: unknown", "s.name: missing"]
    nested = {"name": "x", "load_balancer": [{"container_name": "x", "port": 1}]}
    assert list(misfits(nested, schema, "s")) == [
        "s.load_balancer.port: unknown",
        "s.load_balancer.container_port: missing",
    ]


@pytest.mark.parametrize(
    "folder", [TERRAFORM, *sorted((TERRAFORM / "modules").iterdir())], ids=lambda path: path.name
)
def test_what_is_declared_is_described_and_used(folder: Path) -> None:
    text = "".join(path.read_text("utf-8") for path in folder.glob("*.tf"))
    callers = (TERRAFORM / "main.tf").read_text("utf-8") + (TERRAFORM / "outputs.tf").read_text("utf-8")
    for block in read_folder(folder).blocks:
        if block.kind == "variable":
            assert re.search(rf"\bvar\.{block.labels[0]}\b", text), f"{folder.name}: var.{block.labels[0]}"
            assert {"description", "type"} <= set(block.attributes)
        elif block.kind == "output":
            assert "description" in block.attributes
            assert folder == TERRAFORM or f".{block.labels[0]}" in callers, f"{folder.name}: {block.labels[0]}"
        elif block.kind == "locals":
            assert all(re.search(rf"\blocal\.{name}\b", text) for name in block.attributes)
