"""The server's own policy: who would be lost soonest, per second of a worker's time. No intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from server_stub.scheduling.constraints import Thresholds
from server_stub.scheduling.context import ContextRepository, contexts_of
from server_stub.scheduling.ordered import Ordered
from server_stub.scheduling.state import QueueState, Waiting

__all__ = ["Atc"]

_LEAST_SERVICE_S = 0.001  # below it nothing is gained by going first; also stands in for what is not known


class Atc(Ordered):
    """Apparent tardiness cost over three clocks; every free worker is used at once.

    Vepsalainen and Morton (Management Science 33(8), 1987) serve first what has the highest exp(-slack / h) / s,
    with the service time s and the slack that is left until the request must begin. Ours is the least of three
    slacks: until the deadline, and until the device is lost by its battery or by its signal. How fast these fall
    nobody tells, so η of S2 (1) is taken as the share that is left of the mean response limit.

    The look-ahead h is not theirs, a number of mean service times, but `k` times what the workers need for all
    that waits and runs: slack counts as far as the queue reaches. The shorter the queue, the more it goes by
    slack, which loses nobody while all can be served; the longer, the more by length, which serves the most.

    Without a deadline a request has the mean limit for its own, and grows ever more urgent past it, so that it
    cannot starve. A device below a threshold comes after all others. What cannot make its deadline is refused.
    """

    foresees = True

    def __init__(self, thresholds: Thresholds | None = None, *, k: float = 6.0) -> None:
        self._thresholds = Thresholds() if thresholds is None else thresholds
        self._k = k
        self._repository = ContextRepository()

    def order(self, requests: Sequence[Waiting], state: QueueState) -> Sequence[Waiting]:
        self._repository.see(requests)
        if len(requests) < 2:
            return requests
        service_s = np.maximum([one.service_s for one in requests], _LEAST_SERVICE_S)
        ahead_s = self._k * _clearing_s(float(service_s.sum()), state)
        limit_s = self._repository.mean_limit_s or ahead_s
        due_s = np.array([one.arrived_s + limit_s if one.due_s is None else one.due_s for one in requests])
        begin_s = due_s - service_s / max((worker.speed for worker in state.workers), default=1.0)
        device = self._repository.scaled(contexts_of(requests))[:, :2].min(axis=1)
        slack_s = np.minimum(begin_s - state.now_s, device * limit_s)
        weak = [not self._thresholds.met_by(one) for one in requests]
        # The logarithm of the cost, negative: far from a deadline the exponential itself would vanish.
        by_cost = np.lexsort((slack_s / ahead_s + np.log(service_s), weak))
        return [requests[row] for row in by_cost]


def _clearing_s(waiting_s: float, state: QueueState) -> float:
    """Return how long all workers together need for what waits and for the rest of what runs."""
    running_s = sum(max(0.0, one.free_s - state.now_s) * one.speed for one in state.workers if not one.room)
    return (waiting_s + running_s) / (sum(one.speed for one in state.workers) or 1.0)
