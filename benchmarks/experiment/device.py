"""The SDK as it comes, in a process of its own that is told which file to classify. Slows nothing."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from offload_sdk import OffloadConfig, Offloader, OffloadError
from offload_sdk._config import PolicyName

__all__ = ["MODEL", "DeviceSpec", "run_device"]

MODEL = "efficientnet_lite0"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    """`slow`: the whole process gets a twelfth of a core, about what a Zero 2 W has."""

    name: str
    policy: PolicyName
    url: str
    home: Path
    log: Path
    slow: bool = False


def run_device(spec: DeviceSpec, pipe: Connection) -> None:
    """Say that the process is there, be told to begin, take paths until None and send what became of each."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the process that measures
    pipe.send("here")
    pipe.recv()
    config = OffloadConfig(
        home=spec.home,
        server_url=spec.url,
        token=None,
        endpoints=(),
        policy=spec.policy,
        model=MODEL,
        log={"path": spec.log},
    )
    with Offloader(config) as offloader:
        pipe.send("ready")
        while (path := pipe.recv()) is not None:
            pipe.send(_classified(offloader, path))


def _classified(offloader: Offloader, path: Path) -> dict[str, object]:
    began_s = time.monotonic()
    try:
        found = offloader.classify(path)
    except OffloadError as error:
        return {"latency_s": time.monotonic() - began_s, "error": str(error)}
    return {
        "latency_s": time.monotonic() - began_s,
        "error": None,
        "path": found.path,
        "label": found.labels[0].name,
        "timings": dict(found.timings),
    }
