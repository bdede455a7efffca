"""How many cores this process may use. Shared with the server; nothing else about the machine belongs here."""

from __future__ import annotations

import os

__all__ = ["usable_cores"]


def usable_cores() -> int:
    """Return the cores this process may run on, which under taskset or in a container's cpuset are fewer than
    there are. A quota of processor time (`docker run --cpus`) is not seen."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
