"""Server processes for the tests of a module, and their address once they are ready."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Launch = Callable[..., "subprocess.Popen[str]"]
SCRIPT = Path(__file__).parent / "steered_server.py"


@contextmanager
def launcher() -> Iterator[Launch]:
    """Gives a function that starts a server; those that still run at the end are killed."""
    processes: list[subprocess.Popen[str]] = []

    def start(model: str = "fine", **settings: object) -> subprocess.Popen[str]:
        chosen = json.dumps({"port": 0, "workers": 1, **settings})
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), chosen, model],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=20)


def ready_url(process: subprocess.Popen[str]) -> str:
    line = process.stderr.readline()
    assert line.startswith("offload-sdk server ready on http://"), line
    return line.split()[4]
