"""The machine that an experiment is made on, as plain values with units in their names. Not what changes."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from offload_sdk._cores import usable_cores
from offload_sdk._profile import board_name
from offload_sdk._version import __version__
from offload_sdk.measure import sysfs

__all__ = ["describe_machine"]

_CPUFREQ = "sys/devices/system/cpu/cpu0/cpufreq"


def describe_machine(local: Mapping[str, Any] | None, root: Path = Path("/")) -> dict[str, Any]:
    """Return what stays as it is. `local` is the SDK's word on its model, None where the device is no target."""
    import psutil

    return {
        "board": board_name(root),
        "architecture": platform.machine(),
        "cores": usable_cores(),
        "ram_bytes": int(psutil.virtual_memory().total),
        "os": _os_name(),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sdk_version": __version__,
        "model": None if local is None else local["model"],
        "runtime": None if local is None else local["runtime"],
        "threads": None if local is None else local["threads"],
        "governor": sysfs.text(root / _CPUFREQ / "scaling_governor"),
    }


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.platform()
