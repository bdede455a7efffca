"""Policies that sort the queue: their common step, and FCFS, SJF, by response limit, EDF. Here is no context."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

from server_stub.scheduling.constraints import in_time, places, sift, takes
from server_stub.scheduling.state import Action, QueueState, Shed, Start, Waiting

__all__ = ["Edf", "Fcfs", "Ordered", "QosBased", "Sjf"]


class Ordered(ABC):
    """Starts requests in a policy's order, each on the fastest free worker that takes it.

    A request that no free worker takes lets others pass, so no worker idles that could do something. Refused is
    what is past its deadline or too large for every worker; if the policy `foresees`, also what no worker could
    end in time, and then a request waits rather than begin on a worker that is too slow for it. If more are
    left than may wait, the last in order are shed.
    """

    foresees = False

    @abstractmethod
    def order(self, requests: Sequence[Waiting], state: QueueState) -> Sequence[Waiting]:
        """Return all the requests, the most urgent first; they come in order of arrival."""

    def step(self, state: QueueState) -> Sequence[Action]:
        now_s = state.now_s
        kept, actions = sift(state, foresee=self.foresees)
        free = places(state.workers)
        if not free and (state.bound is None or len(kept) <= state.bound):
            return actions
        left: list[Waiting] = []
        for request in self.order(kept, state):
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

    def order(self, requests: Sequence[Waiting], state: QueueState) -> Sequence[Waiting]:
        return requests


class Sjf(Ordered):
    """Shortest job first: baseline of S2, which knows the service time and nothing else. Long ones may starve."""

    def order(self, requests: Sequence[Waiting], state: QueueState) -> Sequence[Waiting]:
        return sorted(requests, key=lambda one: one.service_s)


class QosBased(Ordered):
    """Ascending response limit T = due - arrival: baseline of S2. Without a deadline a request comes last."""

    def order(self, requests: Sequence[Waiting], state: QueueState) -> Sequence[Waiting]:
        return sorted(requests, key=lambda one: math.inf if one.due_s is None else one.due_s - one.arrived_s)


class Edf(Ordered):
    """Earliest deadline first, and no worker's time for what cannot make its deadline any more."""

    foresees = True

    def order(self, requests: Sequence[Waiting], state: QueueState) -> Sequence[Waiting]:
        return sorted(requests, key=lambda one: math.inf if one.due_s is None else one.due_s)
