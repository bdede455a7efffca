"""A process that may use one core only reckons with one, however many the machine has."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs cores to give up"
)
PINNED = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"


def printed(code: str) -> str:
    command = [sys.executable, "-c", f"{PINNED}\n{code}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_server_starts_one_worker() -> None:
    assert printed("from server_stub.settings import ServerSettings; print(ServerSettings().workers)") == "1"


def test_the_local_path_is_estimated_for_one_core() -> None:
    code = """from offload_sdk import OffloadConfig
from offload_sdk._assembly import assemble
parts = assemble(OffloadConfig(log={"enabled": False}))
print(*(side.estimator._cores for side in parts.sides if side.endpoint is None))
parts.close()"""
    assert printed(code) == "1"
