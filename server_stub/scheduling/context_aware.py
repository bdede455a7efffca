"""S2's scheduler: gathers requests for an interval, then serves the set that costs least by their context."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np
import numpy.typing as npt

from server_stub.scheduling.assignment import Pairs, assign, pairs_of
from server_stub.scheduling.constraints import Thresholds, places, sift
from server_stub.scheduling.context import ContextRepository, contexts_of
from server_stub.scheduling.interval import Interval, StaticInterval
from server_stub.scheduling.priority import PriorityModel, fit
from server_stub.scheduling.state import (
    Action,
    Finished,
    Preempt,
    QueueState,
    Shed,
    Start,
    Waiting,
    Wake,
    WorkerState,
)

__all__ = ["ContextAware"]


class ContextAware:
    """Every interval τ, as many requests as can be served in time, and of those the most urgent.

    A device below a threshold is kept waiting: its signal may return. What no worker can end in time is refused.
    What an interval does not serve is deferred and weighs more in the next. A decision that is due while nothing
    waits is made with the next arrival. Until something has ended, τ is the expected mean execution time; if
    none is expected, every step decides. Each step in between asks again to be woken at its end.

    With `preempts`, what runs competes for its place with the time that it still needs. The source contradicts
    itself on this; by default what runs is left alone.
    """

    def __init__(
        self,
        interval: Interval | None = None,
        *,
        thresholds: Thresholds | None = None,
        model: PriorityModel | None = None,
        preempts: bool = False,
    ) -> None:
        self._interval = StaticInterval() if interval is None else interval
        self._thresholds = Thresholds() if thresholds is None else thresholds
        self._model = fit() if model is None else model
        self._preempts = preempts
        self._repository = ContextRepository()
        self._next_s = -np.inf
        self._ended: list[Finished] = []  # in this interval
        self._intervals = 0
        self._since: dict[int, int] = {}  # by key, the interval in which it was first seen

    def step(self, state: QueueState) -> Sequence[Action]:
        self._ended.extend(state.finished)
        kept, actions = sift(state, foresee=True)
        left = kept
        if kept and state.now_s >= self._next_s:
            chosen = self._decide(state, kept)
            actions += chosen
            started = {action.key for action in chosen if isinstance(action, Start)}
            left = [request for request in kept if request.key not in started]
        if state.bound is not None and len(left) > state.bound:
            by_urgency = np.argsort(self._priority(left), kind="stable")
            actions += [Shed(key=left[row].key) for row in by_urgency[state.bound :]]
        if left and self._next_s > state.now_s:
            actions.append(Wake(at_s=self._next_s))
        return actions

    def _decide(self, state: QueueState, kept: Sequence[Waiting]) -> list[Start | Preempt]:
        """Close one interval, begin the next, and return whom to start."""
        self._interval.learn(self._ended)
        self._ended.clear()
        length_s = self._interval.length_s
        self._next_s = state.now_s + (_expected_s(kept, state.workers) if length_s is None else length_s)
        busy = (
            [(one, one.running) for one in state.workers if one.running and not one.room] if self._preempts else []
        )
        running = [request for _, request in busy]
        self._count_deferrals([*kept, *running])

        able = [request for request in kept if self._thresholds.met_by(request)]
        free = places(state.workers)
        among = [*free, *(worker for worker, _ in busy)]
        if not able or not among:
            return []
        rows = [*able, *running]
        pairs = pairs_of(rows, among, state.now_s)
        _keep_to_their_places(pairs, busy, len(able), state.now_s)
        deferred = np.array([self._intervals - self._since[request.key] for request in rows], dtype=np.float64)
        actions: list[Start | Preempt] = []
        for row, place in assign(pairs, self._priority(rows), deferred):
            if row < len(able):
                worker = among[place].number
                if place >= len(free):
                    actions.append(Preempt(worker=worker))
                actions.append(Start(key=able[row].key, worker=worker))
        return actions

    def _priority(self, requests: Sequence[Waiting]) -> npt.NDArray[np.float64]:
        return self._model.priority(self._repository.scaled(contexts_of(requests)))

    def _count_deferrals(self, present: Sequence[Waiting]) -> None:
        """I of a request is how many intervals ago it was first seen; those that have gone are forgotten."""
        self._repository.see(present)
        self._intervals += 1
        self._since = {one.key: self._since.get(one.key, self._intervals) for one in present}


def _expected_s(waiting: Sequence[Waiting], workers: Sequence[WorkerState]) -> float:
    """(18) with what is expected in the place of what has been."""
    if not workers:
        return 0.0
    return fmean(request.service_s for request in waiting) * fmean(1.0 / worker.speed for worker in workers)


def _keep_to_their_places(
    pairs: Pairs, busy: Sequence[tuple[WorkerState, Waiting]], first_row: int, now_s: float
) -> None:
    """What runs, in the last rows and places, can only go on where it is, for what is left of its time."""
    first_place = len(pairs.kinds) - len(busy)
    for index, (worker, request) in enumerate(busy):
        row, column = first_row + index, pairs.kinds[first_place + index]
        pairs.feasible[row] = False
        pairs.execution_s[row, column] = max(0.0, worker.free_s - now_s)
        pairs.feasible[row, column] = request.due_s is None or max(now_s, worker.free_s) <= request.due_s
