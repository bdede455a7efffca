"""The command in a process of its own, with one home folder for all tests (the model is built in it once)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Command = Callable[..., "subprocess.CompletedProcess[str]"]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli-home")


@pytest.fixture
def start(home: Path) -> Start:
    """`start(*arguments, **environment)` starts `offload-sdk` with both outputs piped."""

    def run(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("OFFLOAD_")}
        return subprocess.Popen(
            [sys.executable, "-m", "offload_sdk", *map(os.fspath, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="surrogateescape",
            env={**clean, "OFFLOAD_HOME": str(home), **environment},
        )

    return run


@pytest.fixture
def command(start: Start) -> Command:
    """`command(*arguments, **environment)` runs `offload-sdk` to its end."""

    def run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        process = start(*arguments, **environment)
        try:
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    return run


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `a.jpg`, `b.png`, a hidden picture, a text, and an empty subfolder."""
    folder = tmp_path_factory.mktemp("pictures")
    gradient = Image.linear_gradient("L").resize((320, 240))
    picture = Image.merge("RGB", (gradient, gradient.rotate(90), gradient.rotate(180)))
    picture.save(folder / "a.jpg")
    picture.save(folder / "b.png")
    picture.save(folder / ".hidden.jpg")
    (folder / "notes.txt").write_text("no picture")
    (folder / "empty").mkdir()
    return folder
