"""The policies that sort the queue: who comes first, on which worker, and who is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheduling_node import NOW_S

from server_stub.scheduling import (
    Edf,
    Fcfs,
    QosBased,
    QueueState,
    Refuse,
    Scheduler,
    Shed,
    Sjf,
    Start,
    Waiting,
    WorkerState,
)


def waiting(key: int, due_s: float | None = None, *, service_s: float = 0.0, image_bytes: int = 15_000) -> Waiting:
    return Waiting(key=key, arrived_s=NOW_S - 50 + key, image_bytes=image_bytes, due_s=due_s, service_s=service_s)


def step(entries: list[Waiting], workers: list[WorkerState], scheduler: Scheduler | None = None) -> list[object]:
    scheduler = Fcfs() if scheduler is None else scheduler
    return list(scheduler.step(QueueState(now_s=NOW_S, waiting=entries, workers=workers)))


def idle(*numbers: int) -> list[WorkerState]:
    return [WorkerState(number=number) for number in numbers]


def started(actions: list[object]) -> list[int]:
    return [action.key for action in actions if isinstance(action, Start)]


def test_first_come_first_served():
    assert step([waiting(1), waiting(2), waiting(3)], idle(7, 4)) == [
        Start(key=1, worker=7),
        Start(key=2, worker=4),
    ]


def test_nothing_to_do():
    assert step([], idle(0, 1)) == []
    assert step([waiting(1)], []) == []


def test_a_past_deadline_is_refused_wherever_it_stands_and_takes_no_worker():
    late, later = waiting(1, NOW_S), waiting(4, NOW_S - 1)
    actions = step([late, waiting(2, NOW_S + 0.001), waiting(3), later], idle(0))
    assert actions == [Refuse(key=1), Refuse(key=4), Start(key=2, worker=0)]


QUEUE = [
    waiting(1, NOW_S + 60, service_s=3.0),
    waiting(2, service_s=1.0),
    waiting(3, NOW_S + 20, service_s=9.0),
    waiting(48, NOW_S + 30, service_s=2.0),
]


@pytest.mark.parametrize(
    ("scheduler", "order"),
    [(Fcfs(), [1, 2, 3, 48]), (Sjf(), [2, 48, 1, 3]), (QosBased(), [48, 3, 1, 2]), (Edf(), [3, 48, 1, 2])],
)
def test_the_order(scheduler, order):
    assert started(step(QUEUE, [WorkerState(number=0, room=4)], scheduler)) == order
    assert started(step(QUEUE, idle(0), scheduler)) == order[:1]


def test_the_fastest_free_worker_is_taken_first():
    workers = [WorkerState(number=0), WorkerState(number=1, speed=2.0), WorkerState(number=2, speed=9.0, room=0)]
    assert step([waiting(1), waiting(2)], workers) == [Start(key=1, worker=1), Start(key=2, worker=0)]


def test_a_request_that_is_too_large_for_the_free_worker_lets_others_pass():
    workers = [WorkerState(number=0, capacity_bytes=10), WorkerState(number=1, room=0)]
    assert step([waiting(1), waiting(2, image_bytes=10)], workers) == [Start(key=2, worker=0)]


def test_a_request_that_is_too_large_for_every_worker_is_refused():
    workers = [WorkerState(number=0, capacity_bytes=10), WorkerState(number=1, room=0, capacity_bytes=10)]
    assert step([waiting(1), waiting(2, image_bytes=10)], workers) == [Refuse(key=1), Start(key=2, worker=0)]


def test_only_who_foresees_refuses_what_no_worker_can_end_in_time():
    hopeless = waiting(1, NOW_S + 1, service_s=3.0)
    workers = [WorkerState(number=0, speed=2.0)]
    assert step([hopeless], workers, Edf()) == [Refuse(key=1)]
    assert step([hopeless], workers, Fcfs()) == [Start(key=1, worker=0)]
    # On time to the second: still worth it.
    assert step([waiting(1, NOW_S + 1.5, service_s=3.0)], workers, Edf()) == [Start(key=1, worker=0)]


def test_who_foresees_waits_for_the_worker_that_is_fast_enough():
    workers = [WorkerState(number=0), WorkerState(number=1, speed=4.0, room=0)]
    tight, loose = waiting(1, NOW_S + 1, service_s=3.0), waiting(2, NOW_S + 9, service_s=3.0)
    assert step([tight, loose], workers, Edf()) == [Start(key=2, worker=0)]


@pytest.mark.parametrize(
    ("scheduler", "shed"), [(Fcfs(), [3, 48]), (Sjf(), [1, 3]), (QosBased(), [1, 2]), (Edf(), [1, 2])]
)
def test_the_last_in_order_are_shed(scheduler, shed):
    state = QueueState(now_s=NOW_S, waiting=QUEUE, workers=idle(0), bound=1)
    actions = scheduler.step(state)
    assert [action.key for action in actions if isinstance(action, Shed)] == shed


@given(
    dues=st.lists(st.none() | st.floats(NOW_S - 5, NOW_S + 5), max_size=50),
    numbers=st.sets(st.integers(0, 15)),
)
def test_fcfs_of_any_queue(dues, numbers):
    entries = [waiting(key, due_s) for key, due_s in enumerate(dues)]
    actions = step(entries, idle(*sorted(numbers)))
    refused = {action.key for action in actions if isinstance(action, Refuse)}
    alive = [entry.key for entry in entries if entry.due_s is None or entry.due_s > NOW_S]
    assert refused == {entry.key for entry in entries} - set(alive)
    assert started(actions) == alive[: len(numbers)]
