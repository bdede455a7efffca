"""The pool's scheduler on a cluster: it sees as much room as there are replicas, and no more."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from server_stub.deploy.ray.capacity import WithinCapacity, share
from server_stub.scheduling import Edf, QueueState, Start, Waiting, Wake, WorkerState


def _state(*, waiting: int, rooms: Sequence[int]) -> QueueState:
    requests = [Waiting(key=key, arrived_s=0.0, image_bytes=1, due_s=100.0 - key) for key in range(waiting)]
    workers = [WorkerState(number=number, room=room) for number, room in enumerate(rooms)]
    return QueueState(now_s=10.0, waiting=requests, workers=workers)


def _started(capacity: int, state: QueueState) -> list[tuple[int, int]]:
    actions = WithinCapacity(Edf(), lambda: capacity).step(state)
    return [(action.key, action.worker) for action in actions if isinstance(action, Start)]


@pytest.mark.parametrize(
    ("capacity", "rooms", "started"),
    [
        (0, [1, 1, 1], 0),
        (2, [1, 1, 1], 2),
        (3, [1, 1, 1], 3),
        (9, [1, 1, 1], 3),
        (2, [0, 1, 1], 1),
        (2, [0, 0, 1], 0),
        (1, [0, 0, 1], 0),  # replicas were lost while both were busy
        (3, [2, 2], 3),
    ],
)
def test_busy_and_started_are_together_no_more_than_the_replicas(
    capacity: int, rooms: list[int], started: int
) -> None:
    assert len(_started(capacity, _state(waiting=5, rooms=rooms))) == started


def test_the_most_urgent_get_what_room_there_is() -> None:
    assert [key for key, _ in _started(2, _state(waiting=5, rooms=[1, 1, 1]))] == [4, 3]


def test_hidden_room_is_looked_at_again_only_while_somebody_waits() -> None:
    scheduler = WithinCapacity(Edf(), lambda: 1)
    waking = [action for action in scheduler.step(_state(waiting=3, rooms=[1, 1])) if isinstance(action, Wake)]
    assert [wake.at_s > 10.0 for wake in waking] == [True]
    assert scheduler.step(_state(waiting=0, rooms=[1, 1])) == []
    assert not any(isinstance(action, Wake) for action in scheduler.step(_state(waiting=3, rooms=[0])))


@pytest.mark.parametrize(
    ("replicas", "ingresses", "expected"), [(4, 1, 4), (4, 2, 2), (5, 2, 3), (1, 3, 1), (0, 2, 0), (3, 0, 3)]
)
def test_ingresses_divide_the_replicas(replicas: int, ingresses: int, expected: int) -> None:
    assert share(replicas, ingresses) == expected
