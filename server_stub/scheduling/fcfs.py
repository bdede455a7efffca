"""First come, first served. Knows deadlines only once they are past."""

from __future__ import annotations

from collections.abc import Sequence

from server_stub.scheduling.state import Action, QueueState, Refuse, Start

__all__ = ["Fcfs"]


class Fcfs:
    """Starts requests in order of arrival; refuses those whose deadline is past, wherever they stand."""

    def step(self, state: QueueState) -> Sequence[Action]:
        places = iter([worker.number for worker in state.workers for _ in range(worker.room)])
        actions: list[Action] = []
        for request in state.waiting:
            if request.due_s is not None and request.due_s <= state.now_s:
                actions.append(Refuse(key=request.key))
                continue
            worker = next(places, None)
            if worker is not None:
                actions.append(Start(key=request.key, worker=worker))
        return actions
