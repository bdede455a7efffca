"""What `TaskOffloader.run` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from offload_sdk._types import Decision, OptionPath

__all__ = ["Answer"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """The `result` of a task for one image; the rest is as of a `Classification`."""

    result: T
    path: OptionPath
    endpoint: str | None
    model: str
    latency_s: float
    timings: Mapping[str, float]
    decision: Decision
    request_id: str
    fallback: bool = False
    hedged: bool = False
    failure: str | None = None
