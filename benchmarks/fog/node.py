"""The fog node over simulated time: a queue, machines, and a scheduler that is held to its Protocol. No policy."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import simpy

from benchmarks.fog.parameters import Parameters
from benchmarks.fog.workload import Request
from server_stub.scheduling import (
    Finished,
    Preempt,
    QueueState,
    Refuse,
    Scheduler,
    Shed,
    Start,
    Waiting,
    Wake,
    WorkerState,
)

__all__ = ["Ending", "ProtocolViolation", "machines_of", "simulate"]

_QUIET_S = 60.0  # so long past the last deadline an idle node may still wait for its scheduler


class ProtocolViolation(Exception):  # noqa: N818 - it names what was done
    """A scheduler did what `server_stub.scheduling.Scheduler` forbids; the message says what and when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a request left: answered at `ended_s` by the machine that began it at `started_s`, or (None) refused."""

    key: int
    started_s: float | None
    ended_s: float


@dataclass(frozen=True, slots=True)
class _Run:
    request: Request
    started_s: float
    done: simpy.Event


def machines_of(parameters: Parameters) -> list[WorkerState]:
    """The idle machines of all hosts, those of a host next to each other."""
    hosts = [host for host in parameters.hosts for _ in range(parameters.machines_per_host)]
    return [
        WorkerState(number=number, speed=host.speed, capacity_bytes=host.capacity_bytes)
        for number, host in enumerate(hosts)
    ]


def simulate(
    requests: Sequence[Request],
    machines: Sequence[WorkerState],
    scheduler: Scheduler,
    *,
    live: bool = False,
    stoppable: bool = False,
) -> list[Ending]:
    """Let the scheduler serve the requests; return one ending for each, by key. Raises `ProtocolViolation`.

    `live` lets it see battery and signal as they are, not as on arrival. With `stoppable` it is told what runs
    and may pre-empt it; the work is lost. What it neither starts nor refuses ends as refused once all is quiet.
    """
    node = _Node(requests, machines, scheduler, live, stoppable)
    return [node.endings[key] for key in sorted(node.endings)]


class _Node:
    def __init__(
        self,
        requests: Sequence[Request],
        machines: Sequence[WorkerState],
        scheduler: Scheduler,
        live: bool,
        stoppable: bool,
    ) -> None:
        self.endings: dict[int, Ending] = {}
        self._environment = simpy.Environment()
        self._scheduler = scheduler
        self._live, self._stoppable = live, stoppable
        self._requests = {request.told.key: request for request in requests}
        self._waiting: dict[int, Waiting] = {}  # in order of arrival
        self._idle = {machine.number: machine for machine in machines}
        self._shown = dict(self._idle)  # as the scheduler sees them
        self._running: dict[int, _Run] = {}
        self._wakes: set[float] = set()
        self._environment.process(self._arrive(requests))
        self._play(max((request.told.arrived_s + request.limit_s for request in requests), default=0.0))

    def _play(self, last_due_s: float) -> None:
        environment, count = self._environment, len(self._requests)
        while len(self.endings) < count:
            next_s = environment.peek()
            if next_s == math.inf or (not self._running and next_s > last_due_s + _QUIET_S):
                break
            environment.step()
        for key in list(self._waiting):
            self._refuse(key)

    def _arrive(self, requests: Sequence[Request]) -> Generator[simpy.Event, None, None]:
        environment = self._environment
        for request in requests:
            while (left_s := request.told.arrived_s - environment.now) > 0.0:  # twice where a sum is rounded down
                yield environment.timeout(left_s)
            self._waiting[request.told.key] = request.told
            self._step()

    def _step(self, finished: tuple[Finished, ...] = ()) -> None:
        now_s = self._environment.now
        waiting = (
            tuple(self._requests[key].seen_at(now_s) for key in self._waiting)
            if self._live
            else tuple(self._waiting.values())
        )
        state = QueueState(now_s=now_s, waiting=waiting, workers=tuple(self._shown.values()), finished=finished)
        for action in self._scheduler.step(state):
            match action:
                case Start(key=key, worker=number):
                    self._start(key, number)
                case Refuse(key=key):
                    self._refuse(key)
                case Shed(key=key):
                    raise self._violation(f"request {key} is shed, though any number may wait")
                case Preempt(worker=number):
                    self._preempt(number)
                case Wake(at_s=at_s):
                    self._wake(at_s)
                case _:
                    raise self._violation(f"{action!r} is no action")

    def _start(self, key: int, number: int) -> None:
        request, machine = self._take(key), self._idle.get(number)
        if machine is None:
            raise self._violation(f"there is no worker {number}")
        if number in self._running:
            raise self._violation(f"worker {number} has no room for request {key}")
        if machine.capacity_bytes is not None and request.told.image_bytes > machine.capacity_bytes:
            raise self._violation(f"request {key} is too large for worker {number}")
        environment = self._environment
        done = environment.timeout(request.service_s / machine.speed)
        done.callbacks.append(partial(self._finish, number))
        self._running[number] = _Run(request, environment.now, done)
        self._shown[number] = replace(
            machine,
            room=0,
            free_s=environment.now + request.told.service_s / machine.speed,
            running=request.told if self._stoppable else None,
        )

    def _finish(self, number: int, _: simpy.Event) -> None:
        run, now_s = self._stop(number), self._environment.now
        key = run.request.told.key
        self.endings[key] = Ending(key=key, started_s=run.started_s, ended_s=now_s)
        self._step((Finished(key=key, worker=number, service_s=now_s - run.started_s),))

    def _refuse(self, key: int) -> None:
        self._take(key)
        self.endings[key] = Ending(key=key, started_s=None, ended_s=self._environment.now)

    def _preempt(self, number: int) -> None:
        if not self._stoppable or number not in self._running:
            raise self._violation(f"worker {number} runs nothing that can be stopped")
        run = self._stop(number)
        run.done.callbacks.clear()
        self._waiting[run.request.told.key] = run.request.told
        self._waiting = dict(sorted(self._waiting.items()))

    def _stop(self, number: int) -> _Run:
        self._shown[number] = self._idle[number]
        return self._running.pop(number)

    def _take(self, key: int) -> Request:
        if self._waiting.pop(key, None) is None:
            raise self._violation(f"request {key} is not waiting")
        return self._requests[key]

    def _wake(self, at_s: float) -> None:
        environment = self._environment
        if not environment.now < at_s < math.inf:
            raise self._violation(f"it cannot be woken at {at_s} s")
        if at_s not in self._wakes:  # asked for at every step, as a rule
            self._wakes.add(at_s)
            environment.timeout(at_s - environment.now).callbacks.append(partial(self._woken, at_s))

    def _woken(self, at_s: float, _: simpy.Event) -> None:
        self._wakes.remove(at_s)
        self._step()

    def _violation(self, what: str) -> ProtocolViolation:
        return ProtocolViolation(f"{type(self._scheduler).__name__} at {self._environment.now:.6f} s: {what}")
