"""What the pool needs of a model, as Protocols. No threads, no HTTP, no implementation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from offload_sdk._types import Label

__all__ = ["Clock", "Engine", "EngineSource", "Inference", "Loader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """The classes of one picture, best first, and the seconds of the two steps; `decode_s` covers all up to the
    model's input."""

    labels: tuple[Label, ...]
    decode_s: float
    infer_s: float


class Engine(Protocol):
    """One interpreter, used by one thread.

    Raises `InvalidImageError` if the bytes are no picture it can read and `RequestError` if a limit is exceeded.
    """

    def infer(self, image: bytes, top_k: int) -> Inference: ...


class EngineSource(Protocol):
    """A model that is present on this machine: its name, and a new engine for each worker."""

    @property
    def name(self) -> str: ...

    def engine(self) -> Engine: ...


Loader = Callable[[], EngineSource]
"""Finds the model, fetching it if need be. May block for minutes; raises `ModelError`."""

Clock = Callable[[], float]
"""Seconds from any fixed point, never going back: `time.monotonic` or a fake."""
