"""The manifests: valid for Kubernetes, complete, and in step with each other and with the server."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from offload_sdk import __version__
from server_stub.options import read_settings
from server_stub.settings import ServerSettings

yaml = pytest.importorskip("yaml")
_DEPLOY = Path(__file__).resolve().parent.parent.parent / "server_stub" / "deploy"
_BASE = _DEPLOY / "kubernetes"
_VERSIONS = ("1.31", "1.34")
Manifest = dict[str, Any]


def _load(path: Path) -> Manifest:
    manifest: Manifest = yaml.safe_load(path.read_text("utf-8"))
    return manifest


@pytest.fixture
def deployment() -> Manifest:
    return _load(_BASE / "deployment.yaml")


@pytest.fixture
def inference_service() -> Manifest:
    return _load(_DEPLOY / "kserve" / "inference-service.yaml")


@pytest.fixture
def validate(lacking: Callable[[str], None]) -> Callable[[Manifest], None]:
    """Checks against the schemas of two versions; an unknown field is an error too."""
    try:
        import kubernetes_validate
    except ImportError:
        lacking("needs kubernetes-validate")

    def check(manifest: Manifest) -> None:
        for version in _VERSIONS:
            kubernetes_validate.validate(copy.deepcopy(manifest), version, strict=True)

    return check


def test_every_manifest_is_in_the_base_and_valid(validate: Callable[[Manifest], None]) -> None:
    resources = _load(_BASE / "kustomization.yaml")["resources"]
    assert {*resources, "kustomization.yaml"} == {path.name for path in _BASE.iterdir()}
    for name in resources:
        validate(_load(_BASE / name))


def test_the_schema_would_tell(validate: Callable[[Manifest], None], deployment: Manifest) -> None:
    deployment["spec"]["template"]["spec"]["containers"][0]["resourcs"] = {}
    with pytest.raises(Exception, match="resourcs"):
        validate(deployment)


def test_everything_selects_the_same_pods(deployment: Manifest) -> None:
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    spread = [
        each["labelSelector"] for each in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    ]
    selectors = [
        deployment["spec"]["selector"],
        *spread,
        _load(_BASE / "disruption.yaml")["spec"]["selector"],
        _load(_BASE / "network.yaml")["spec"]["podSelector"],
    ]
    assert [selector["matchLabels"] for selector in selectors] == [labels] * len(selectors)
    assert _load(_BASE / "service.yaml")["spec"]["selector"] == labels
    target = _load(_BASE / "autoscaler.yaml")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", deployment["metadata"]["name"])


def test_both_ways_the_pod_is_restricted_and_runs_this_version(
    deployment: Manifest, inference_service: Manifest
) -> None:
    for pod in (deployment["spec"]["template"]["spec"], inference_service["spec"]["predictor"]):
        (container,) = pod["containers"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container["image"] == f"offload-server:{__version__}"
        settings = read_settings(container["args"], {}, prog="kubernetes")
        assert settings.workers == int(container["resources"]["limits"]["cpu"])
        assert pod["terminationGracePeriodSeconds"] > settings.drain_s


def test_a_pod_leaves_the_service_before_it_stops(deployment: Manifest) -> None:
    pod = deployment["spec"]["template"]["spec"]
    leave_s = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert pod["terminationGracePeriodSeconds"] > leave_s + ServerSettings().drain_s


def test_a_busy_server_is_not_restarted(deployment: Manifest) -> None:
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert "httpGet" not in container["livenessProbe"]  # its answer is 503 while the model loads or it drains
    assert container["readinessProbe"]["httpGet"]["path"] == "/"


def test_kserves_predictor_is_a_valid_pod(
    validate: Callable[[Manifest], None], inference_service: Manifest
) -> None:
    """KServe adds these fields to a pod's own; the pod's own are Kubernetes', whose schema is at hand."""
    pod = inference_service["spec"]["predictor"]
    for field in ("minReplicas", "maxReplicas", "scaleMetric", "scaleTarget"):
        del pod[field]
    validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "predictor"}, "spec": pod})
