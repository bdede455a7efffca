"""What the tests of deployment need: tools of the extra `dev`, and on CI nothing may be missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Lacking = Callable[[str], None]


@pytest.fixture(scope="session")
def lacking() -> Lacking:
    """Skip the test for this reason, or fail it on CI, where everything must be there."""

    def tell(reason: str) -> None:
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)

    return tell


@pytest.fixture(scope="session")
def tool(lacking: Lacking) -> Callable[[str], str]:
    """Gives the path of a tool that is installed beside the interpreter or on the PATH."""

    def find(name: str) -> str:
        path = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        if path is None:
            lacking(f"needs {name}")
        assert path is not None
        return path

    return find


@pytest.fixture(scope="session")
def _namespaces(lacking: Lacking) -> None:
    """Skip unless this process may make mount, network and process namespaces."""
    if sys.platform != "linux" or os.geteuid() != 0:
        lacking("needs root on Linux")
    command = ["unshare", "--mount", "--net", "--pid", "--fork", "ip", "link", "set", "lo", "up"]
    if subprocess.run(command, capture_output=True, timeout=20, check=False).returncode != 0:
        lacking("needs the right to make namespaces")
