"""A node in miniature that holds a scheduler to its Protocol at every step, and states for property tests."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from hypothesis import strategies as st

from server_stub.scheduling import (
    Action,
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

NOW_S = 100.0


@st.composite
def requests(draw: st.DrawFn, key: int) -> Waiting:
    arrived_s = NOW_S - draw(st.floats(0, 20))
    return Waiting(
        key=key,
        arrived_s=arrived_s,
        image_bytes=draw(st.integers(1, 100_000)),
        due_s=draw(st.none() | st.floats(NOW_S - 5, NOW_S + 20)),
        battery_frac=draw(st.none() | st.floats(0, 1)),
        signal_dbm=draw(st.none() | st.floats(-120, -30)),
        service_s=draw(st.sampled_from([0.0, 0.01]) | st.floats(0, 10)),
    )


@st.composite
def workers(draw: st.DrawFn, number: int) -> WorkerState:
    room = draw(st.sampled_from([0, 1, 1, 2]))
    return WorkerState(
        number=number,
        room=room,
        free_s=0.0 if room else NOW_S + draw(st.floats(-1, 5)),
        speed=draw(st.sampled_from([0.5, 1.0, 4.0])),
        capacity_bytes=draw(st.none() | st.integers(1, 150_000)),
    )


@st.composite
def states(draw: st.DrawFn, *, max_waiting: int = 7, max_workers: int = 3) -> QueueState:
    """Any queue, sorted by arrival as the server's is."""
    waiting = [draw(requests(key)) for key in range(draw(st.integers(0, max_waiting)))]
    return QueueState(
        now_s=NOW_S,
        waiting=sorted(waiting, key=lambda request: request.arrived_s),
        workers=[draw(workers(number)) for number in range(draw(st.integers(0, max_workers)))],
        bound=draw(st.none() | st.integers(0, max_waiting)),
    )


def check(state: QueueState, actions: Iterable[Action]) -> None:
    """What must hold of any scheduler's answer to any state."""
    waiting = {request.key: request for request in state.waiting}
    room = {worker.number: worker.room for worker in state.workers}
    by_number = {worker.number: worker for worker in state.workers}
    named: set[int] = set()
    for action in actions:
        if isinstance(action, Wake):
            assert action.at_s > state.now_s
            continue
        if isinstance(action, Preempt):
            assert by_number[action.worker].running is not None
            room[action.worker] += 1
            continue
        assert action.key in waiting
        assert action.key not in named
        named.add(action.key)
        if isinstance(action, Start):
            request, worker = waiting[action.key], by_number[action.worker]
            room[action.worker] -= 1
            assert room[action.worker] >= 0
            assert worker.capacity_bytes is None or request.image_bytes <= worker.capacity_bytes
            assert request.due_s is None or request.due_s > state.now_s
    for request in waiting.values():
        if request.due_s is not None and request.due_s <= state.now_s:
            assert Refuse(key=request.key) in actions
    left = len(waiting) - len(named)
    if state.bound is None or left < state.bound:
        assert not any(isinstance(action, Shed) for action in actions)
    else:
        assert left == state.bound


@dataclass
class Node:
    """Runs requests of known service times on workers; every answer of the scheduler is checked.

    `started_s`, `ended_s` and `refused_s` tell by key when that happened; what runs is never lost, what is
    pre-empted begins anew. Deadlines wake the scheduler as the server's timers do.
    """

    scheduler: Scheduler
    workers: Sequence[WorkerState]
    started_s: dict[int, float] = field(default_factory=dict)
    ended_s: dict[int, float] = field(default_factory=dict)
    refused_s: dict[int, float] = field(default_factory=dict)
    preempted: int = 0
    max_queue: int = 0

    def run(self, arrivals: Iterable[Waiting], until_s: float = float("inf")) -> Node:
        serial = itertools.count()
        events: list[tuple[float, int, object]] = [(one.arrived_s, next(serial), one) for one in arrivals]
        heapq.heapify(events)
        waiting: dict[int, Waiting] = {}
        running: dict[int, tuple[Waiting, float, int]] = {}
        wakes: set[float] = set()
        while events and events[0][0] <= until_s:
            now_s, event_serial, event = heapq.heappop(events)
            finished: list[Finished] = []
            if isinstance(event, Waiting):
                waiting[event.key] = event
                if event.due_s is not None:
                    heapq.heappush(events, (event.due_s, next(serial), None))
            elif isinstance(event, int):
                if event not in running or running[event][2] != event_serial:
                    continue  # it was pre-empted
                request, started_s, _ = running.pop(event)
                self.ended_s[request.key] = now_s
                finished = [Finished(key=request.key, worker=event, service_s=now_s - started_s)]
            self.max_queue = max(self.max_queue, len(waiting))
            state = QueueState(
                now_s=now_s,
                waiting=tuple(waiting.values()),
                workers=[self._shown(worker, running, now_s) for worker in self.workers],
                finished=finished,
            )
            actions = self.scheduler.step(state)
            check(state, actions)
            by_number = {worker.number: worker for worker in self.workers}
            for action in actions:
                if isinstance(action, Wake):
                    if action.at_s in wakes:
                        continue
                    wakes.add(action.at_s)
                    heapq.heappush(events, (action.at_s, next(serial), None))
                elif isinstance(action, Refuse):
                    del waiting[action.key]
                    self.refused_s[action.key] = now_s
                elif isinstance(action, Preempt):
                    stopped = running.pop(action.worker)[0]
                    waiting[stopped.key] = stopped
                    self.preempted += 1
                else:
                    request = waiting.pop(action.key)
                    self.started_s[request.key] = now_s
                    end_serial = next(serial)
                    running[action.worker] = request, now_s, end_serial
                    end_s = now_s + request.service_s / by_number[action.worker].speed
                    heapq.heappush(events, (end_s, end_serial, action.worker))
        return self

    def _shown(
        self, worker: WorkerState, running: dict[int, tuple[Waiting, float, int]], now_s: float
    ) -> WorkerState:
        if worker.number not in running:
            return replace(worker, free_s=now_s)
        request, started_s, _ = running[worker.number]
        return replace(worker, room=0, free_s=started_s + request.service_s / worker.speed, running=request)
