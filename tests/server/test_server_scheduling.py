"""The scheduler as arithmetic, and what must hold for any state of the queue."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from server_stub.scheduling import Fcfs, QueueState, Refuse, Scheduler, Start, Waiting, WorkerState

NOW_S = 100.0


def waiting(key: int, due_s: float | None = None) -> Waiting:
    return Waiting(key=key, arrived_s=NOW_S - 50 + key, image_bytes=15_000, due_s=due_s)


def step(entries: list[Waiting], idle: list[int]) -> list[Start | Refuse]:
    workers = [WorkerState(number=number) for number in idle]
    return list(Fcfs().step(QueueState(now_s=NOW_S, waiting=entries, workers=workers)))


def test_fcfs_is_a_scheduler():
    assert isinstance(Fcfs(), Scheduler)


def test_first_come_first_served():
    assert step([waiting(1), waiting(2), waiting(3)], [7, 4]) == [Start(key=1, worker=7), Start(key=2, worker=4)]


def test_nothing_to_do():
    assert step([], [0, 1]) == []
    assert step([waiting(1)], []) == []


def test_a_past_deadline_is_refused_wherever_it_stands_and_takes_no_worker():
    late, later = waiting(1, NOW_S), waiting(4, NOW_S - 1)
    actions = step([late, waiting(2, NOW_S + 0.001), waiting(3), later], [0])
    assert actions == [Refuse(key=1), Start(key=2, worker=0), Refuse(key=4)]


@given(
    dues=st.lists(st.none() | st.floats(NOW_S - 5, NOW_S + 5), max_size=50),
    idle=st.sets(st.integers(0, 15)),
)
def test_any_queue(dues, idle):
    entries = [waiting(key, due_s) for key, due_s in enumerate(dues)]
    actions = step(entries, sorted(idle))
    started = [action for action in actions if isinstance(action, Start)]
    refused = {action.key for action in actions if isinstance(action, Refuse)}
    alive = [entry.key for entry in entries if entry.due_s is None or entry.due_s > NOW_S]
    assert refused == {entry.key for entry in entries} - set(alive)
    assert [action.key for action in started] == alive[: len(idle)]
    assert len({action.worker for action in started}) == len(started)
    assert {action.worker for action in started} <= idle
