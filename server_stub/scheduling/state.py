"""What a scheduler sees and what it may answer. Records and one Protocol; no policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

__all__ = ["Action", "QueueState", "Refuse", "Scheduler", "Start", "Waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One queued request. Times are of the monotonic clock; what the request did not tell is None.

    `due_s` is the moment by which its device needs the answer, `battery_frac` (0..1) and `signal_dbm` the
    device's state.
    """

    key: int
    arrived_s: float
    image_bytes: int
    due_s: float | None = None
    battery_frac: float | None = None
    signal_dbm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """The queue at one moment: `waiting` in order of arrival, `idle` the numbers of the workers that are free."""

    now_s: float
    waiting: Sequence[Waiting]
    idle: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Give the request to the worker."""

    key: int
    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Answer the request with 504: it cannot make its deadline."""

    key: int


Action = Start | Refuse


@runtime_checkable
class Scheduler(Protocol):
    """Decides who is next. Pure: the same state gives the same actions, apart from what the policy has learned.

    Every key and every worker occurs in at most one action, keys are of `waiting` and workers of `idle`. What
    no action names stays queued.
    """

    def step(self, state: QueueState) -> Sequence[Action]: ...
