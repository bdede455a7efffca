"""`classify()`: one line over one lazily made default `Offloader`. Nothing else."""

from __future__ import annotations

import atexit
import os
import threading
from typing import Any

from offload_sdk._offloader import Offloader
from offload_sdk._types import Classification

__all__ = ["classify"]

_lock = threading.Lock()
_default: Offloader | None = None
_owner_pid: int | None = None


def classify(image: Any, *, top_k: int = 3, deadline_s: float | None = None) -> Classification:
    """Classify one image on the device or in the cloud, whichever is better right now.

    Uses one default `Offloader`, made at the first call from the environment and `offload.toml` and closed at
    exit. The arguments and errors are those of `Offloader.classify`.
    """
    return _default_offloader().classify(image, top_k=top_k, deadline_s=deadline_s)


def _default_offloader() -> Offloader:
    global _default, _owner_pid
    with _lock:
        if _default is None or _owner_pid != os.getpid():  # threads and sockets do not survive a fork
            if _default is None:
                atexit.register(_close)
            _default = Offloader()
            _owner_pid = os.getpid()
        return _default


def _close() -> None:
    if _default is not None and _owner_pid == os.getpid():
        _default.close()
