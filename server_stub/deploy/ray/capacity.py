"""How much of a cluster one ingress may fill. Pure but for the thread that asks Ray; no opinion on who is next.

What is given to Ray beyond the replicas there are would wait in Ray's own queue, first come first served. So
requests wait in the pool's queue, where the scheduler chooses, until a replica is free for them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from server_stub.scheduling import Action, QueueState, Scheduler, Wake

__all__ = ["WithinCapacity", "share"]

_LOOK_AGAIN_S = 0.5


def share(replicas: int, ingresses: int) -> int:
    """Return how many of the replicas one of several ingresses may fill: its part, rounded up."""
    return math.ceil(replicas / max(1, ingresses))


class WithinCapacity:
    """Shows another scheduler only as much room as there are replicas for; `capacity` counts them.

    The pool has workers for the largest number of replicas. If fewer are up, the room of idle workers is hidden
    until busy ones and shown room together are `capacity`, and the pool is asked to look again.
    """

    def __init__(self, scheduler: Scheduler, capacity: Callable[[], int]) -> None:
        self._scheduler = scheduler
        self._capacity = capacity

    def step(self, state: QueueState) -> Sequence[Action]:
        left = max(0, self._capacity() - sum(worker.room == 0 for worker in state.workers))
        shown, hidden = [], 0
        for worker in state.workers:
            room = min(worker.room, left)
            left -= room
            hidden += worker.room - room
            if room or not worker.room:
                shown.append(replace(worker, room=room))
        actions = list(self._scheduler.step(replace(state, workers=shown)))
        if hidden and state.waiting:
            actions.append(Wake(at_s=state.now_s + _LOOK_AGAIN_S))
        return actions
