"""What this device is: its name and how many of its cores may be used."""

from __future__ import annotations

import os
import platform
from pathlib import Path

__all__ = ["board_name", "usable_cores"]


def board_name(root: Path = Path("/")) -> str:
    """Return what this device calls itself: the device tree's model, else machine type and processor name."""
    try:
        name = (root / "proc/device-tree/model").read_bytes().split(b"\0")[0].decode("utf-8", "replace").strip()
        if name:
            return name
    except OSError:
        pass
    processor = platform.processor()
    try:
        for line in (root / "proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                processor = value.strip()
                break
    except OSError:
        pass
    machine = platform.machine() or "unknown machine"
    return machine if processor in ("", machine) else f"{machine}, {processor}"


def usable_cores() -> int:
    """Return the cores this process may use, which in a container or under taskset are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
