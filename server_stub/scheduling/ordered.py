"""The policies that sort the queue by one number: FCFS, SJF, by response limit, EDF. No context, no intervals."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from server_stub.scheduling.constraints import can_be_answered, in_time, places, takes
from server_stub.scheduling.state import Action, QueueState, Refuse, Shed, Start, Waiting

__all__ = ["Edf", "Fcfs", "Ordered", "QosBased", "Sjf"]


class Ordered(ABC):
    """Starts requests in the order of `rank`, lowest first, each on the fastest free worker that takes it.

    Equals go in order of arrival. A request that no free worker takes lets others pass. Refused is what is past
    its deadline or too large for every worker; if the policy `foresees`, also what no worker could end in time,
    and then a request waits rather than begin on a worker that is too slow for it.
    """

    foresees = False

    @abstractmethod
    def rank(self, request: Waiting) -> float: ...

    def step(self, state: QueueState) -> Sequence[Action]:
        now_s = state.now_s
        # Workers that differ in nothing that counts here are asked once; a queue may hold thousands.
        kinds = tuple({(worker.speed, worker.capacity_bytes): worker for worker in state.workers}.values())
        actions: list[Action] = []
        kept: list[Waiting] = []
        for request in state.waiting:
            if can_be_answered(request, kinds, now_s, foresee=self.foresees):
                kept.append(request)
            else:
                actions.append(Refuse(key=request.key))
        free = places(state.workers)
        if not free and (state.bound is None or len(kept) <= state.bound):
            return actions
        left: list[Waiting] = []
        for request in sorted(kept, key=self.rank):
            for index, worker in enumerate(free):
                if takes(worker, request) and (not self.foresees or in_time(worker, request, now_s)):
                    actions.append(Start(key=request.key, worker=worker.number))
                    del free[index]
                    break
            else:
                left.append(request)
        if state.bound is not None:
            actions.extend(Shed(key=request.key) for request in left[state.bound :])
        return actions


class Fcfs(Ordered):
    """First come, first served: baseline of S2."""

    def rank(self, request: Waiting) -> float:
        return 0.0


class Sjf(Ordered):
    """Shortest job first: baseline of S2, which knows the service time and nothing else. Long ones may starve."""

    def rank(self, request: Waiting) -> float:
        return request.service_s


class QosBased(Ordered):
    """Ascending response limit T = due - arrival: baseline of S2. Without a deadline a request comes last."""

    def rank(self, request: Waiting) -> float:
        return math.inf if request.due_s is None else request.due_s - request.arrived_s


class Edf(Ordered):
    """Earliest deadline first, and no worker's time for what cannot make its deadline any more."""

    foresees = True

    def rank(self, request: Waiting) -> float:
        return math.inf if request.due_s is None else request.due_s
