"""The command in a process of its own, as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from baseline_kit import Command, Start
from offload_kit import PATIENCE_S, give_model


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return give_model(tmp_path_factory.mktemp("baseline-home"))


@pytest.fixture
def start(home: Path) -> Iterator[Start]:
    """`start(*arguments, **environment)` starts `offload-sdk baseline` with both outputs piped."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD_")}
        started.append(
            subprocess.Popen(
                [sys.executable, "-m", "offload_sdk", "baseline", *map(os.fspath, arguments)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**clean, "OFFLOAD_HOME": str(home), "OFFLOAD_MODEL": "efficientnet_lite0", **environment},
            )
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def command(start: Start) -> Command:
    """`command(*arguments, **environment)` runs `offload-sdk baseline` to its end."""

    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        process = start(*arguments, **environment)
        out, err = process.communicate(timeout=6 * PATIENCE_S)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run
