"""What this device is called."""

from __future__ import annotations

import platform
from pathlib import Path

__all__ = ["board_name"]


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
