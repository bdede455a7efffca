"""compose.yaml: valid, locked down, and in step with the server that it starts."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server_stub.options import read_settings

yaml = pytest.importorskip("yaml")
_COMPOSE = Path(__file__).resolve().parent.parent.parent / "server_stub" / "deploy" / "compose.yaml"


@pytest.fixture
def server() -> dict[str, Any]:
    service: dict[str, Any] = yaml.safe_load(_COMPOSE.read_text("utf-8"))["services"]["server"]
    return service


def test_it_follows_the_compose_specification(lacking: Callable[[str], None]) -> None:
    if importlib.util.find_spec("check_jsonschema") is None:
        lacking("needs check-jsonschema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(_COMPOSE)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_it_gives_the_server_no_rights(server: dict[str, Any]) -> None:
    assert server["read_only"] is True
    assert server["cap_drop"] == ["ALL"]
    assert server["security_opt"] == ["no-new-privileges:true"]
    assert set(server["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert all(mount["read_only"] for mount in server["volumes"])


def test_only_this_machine_reaches_it_by_default(server: dict[str, Any]) -> None:
    (port,) = server["ports"]
    assert re.fullmatch(r"\$\{\w+:-127\.0\.0\.1:8080\}:8080", port)


def test_the_server_takes_its_command_and_has_time_to_stop(server: dict[str, Any]) -> None:
    settings = read_settings(server["command"], {}, prog="compose")
    assert settings.workers == int(server["deploy"]["resources"]["limits"]["cpus"])
    assert settings.token_file is not None
    assert settings.token_file.is_relative_to(server["volumes"][0]["target"])
    assert int(server["stop_grace_period"].removesuffix("s")) > settings.drain_s
