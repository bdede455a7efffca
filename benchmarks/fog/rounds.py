"""Any scheduler, asked only once an interval, as the paper's own is. Decides nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from server_stub.scheduling import Action, Finished, QueueState, Scheduler, StaticInterval, Wake

__all__ = ["InRounds"]


class InRounds:
    """Asks at intervals of the static length τ, equation (18), `first_s` until something has ended."""

    def __init__(self, scheduler: Scheduler, first_s: float) -> None:
        self._scheduler = scheduler
        self._interval = StaticInterval()
        self._first_s = first_s
        self._next_s = 0.0
        self._finished: list[Finished] = []

    def step(self, state: QueueState) -> Sequence[Action]:
        self._finished += state.finished
        if state.now_s < self._next_s:
            return (Wake(at_s=self._next_s),)
        finished, self._finished = tuple(self._finished), []
        self._interval.learn(finished)
        self._next_s = state.now_s + (self._interval.length_s or self._first_s)
        return (*self._scheduler.step(replace(state, finished=finished)), Wake(at_s=self._next_s))
