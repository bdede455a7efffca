"""What a pool tells of its work, for metrics. Names no metric and no library; the pool calls, others count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Occupancy", "PoolObserver", "Unobserved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupancy:
    """The pool at one moment: `queued` requests wait for a worker, `in_flight` bodies are held from admission to
    their end (those that arrive, wait and are worked on). At most `limit` of them may wait or be worked on, fewer
    while the server is overloaded."""

    queued: int
    in_flight: int
    limit: int
    held_bytes: int
    workers: int
    busy_workers: int


class PoolObserver(Protocol):
    """Is called on the event loop's thread, once per event; it must be quick and must not raise."""

    def started(self, waits_s: Sequence[float]) -> None:
        """A worker got requests that waited so long; they run together."""

    def refused(self, reason: str) -> None:
        """The scheduler gave up a queued request; `reason` is the code of its error."""

    def finished(self, service_s: float) -> None:
        """A worker ended what it had got, well or not, after this time."""


class Unobserved:
    """Takes note of nothing."""

    def started(self, waits_s: Sequence[float]) -> None:
        pass

    def refused(self, reason: str) -> None:
        pass

    def finished(self, service_s: float) -> None:
        pass
