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
_of_parent: list[Offloader] = []


def classify(image: Any, *, top_k: int = 3, deadline_s: float | None = None) -> Classification:
    """Classify one image on the device or in the cloud, whichever is better right now.

    Uses one default `Offloader`, made at the first call from the environment and `offload.toml` and closed at
    exit. The arguments and errors are those of `Offloader.classify`.
    """
    return _default_offloader().classify(image, top_k=top_k, deadline_s=deadline_s)


def _default_offloader() -> Offloader:
    global _default
    with _lock:
        if _default is None:
            _default = Offloader()
            atexit.register(_close)
        return _default


def _close() -> None:
    if _default is not None:
        _default.close()


def _after_fork() -> None:
    """Let a forked child make its own: threads and sockets do not survive, and the lock may be held for ever.

    The parent's is kept, as freeing its interpreter could wait for threads that are not there.
    """
    global _lock, _default
    _lock = threading.Lock()
    if _default is not None:
        _of_parent.append(_default)
        _default = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
