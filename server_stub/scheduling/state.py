"""What a scheduler sees and what it may answer. Records and one Protocol; no policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

__all__ = [
    "Action",
    "Finished",
    "Preempt",
    "QueueState",
    "Refuse",
    "Scheduler",
    "Shed",
    "Start",
    "Waiting",
    "Wake",
    "WorkerState",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One queued request. Times are of the monotonic clock; what the request did not tell is None.

    `due_s` is the moment by which its device needs the answer, `battery_frac` (0..1) and `signal_dbm` the
    device's state. `service_s` is how long a worker of speed 1 is expected to take.
    """

    key: int
    arrived_s: float
    image_bytes: int
    due_s: float | None = None
    battery_frac: float | None = None
    signal_dbm: float | None = None
    service_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerState:
    """One worker, the virtual machine of a fog node: `room` is how many more requests it would take right now,
    0 if it is busy, more than 1 if it runs a few together; `free_s` the moment by which it is expected to be
    idle. It takes `service_s / speed` for a request, and none of more than `capacity_bytes`. `running` is only
    told where what runs can be stopped."""

    number: int
    room: int = 1
    free_s: float = 0.0
    speed: float = 1.0
    capacity_bytes: int | None = None
    running: Waiting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A request that a worker has ended since the last step, and the seconds it took."""

    key: int
    worker: int
    service_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueState:
    """The queue at one moment: `waiting` in order of arrival, all workers, and what ended since the last step.

    `bound` is how many may still wait after this step, None without a limit. It falls under overload. Who goes
    is the scheduler's choice (`Shed`); of those it leaves beyond the bound the latest arrived are shed."""

    now_s: float
    waiting: Sequence[Waiting]
    workers: Sequence[WorkerState]
    finished: Sequence[Finished] = ()
    bound: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Give the request to the worker; several for one worker in one step run together."""

    key: int
    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Answer the request with 504: it cannot make its deadline."""

    key: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shed:
    """Answer the request with 503: more wait than `QueueState.bound` allows, and others are more urgent."""

    key: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Preempt:
    """Stop what the worker runs; that request waits again, the worker has room in this same step."""

    worker: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """Ask again at this moment, even if nothing has happened by then."""

    at_s: float


Action = Start | Refuse | Shed | Preempt | Wake


@runtime_checkable
class Scheduler(Protocol):
    """Decides who is next. No clock, no I/O: the same states in the same order give the same actions.

    It is asked whenever a request arrives or ends and at each `Wake`. Every key occurs in at most one action,
    keys are of `waiting`, and a worker is started at most `room` times. What no action names stays queued.
    """

    def step(self, state: QueueState) -> Sequence[Action]: ...
