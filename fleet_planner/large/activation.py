"""The cheapest servers that can serve the most devices: rows of Hall's program are found, until none is missing.

A row is found by trying: the activations that the program would like are given to an assignment, and where that
falls short there is a row. First with fractions of servers, for a linear program is quick, and in a large fleet
with a sample of the devices; last with whole servers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from fleet_planner.geography import BoolArray, FloatArray, IntArray
from fleet_planner.instance import Instance
from fleet_planner.large.assignment import Assignment
from fleet_planner.large.hall import Hall
from fleet_planner.large.reachable import Reachable

__all__ = ["Activation", "least_cost"]

_SAMPLE = 8192
_HARDLY, _PATIENCE = 5e-4, 3
_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """Which servers are active, who serves each row (-1: nobody), and dollars an hour below which no plan is."""

    active: BoolArray
    server: IntArray
    bound: float


def least_cost(
    instance: Instance, reachable: Reachable, slots: IntArray, *, time_limit_s: float = 60.0
) -> Activation:
    """Return it; the optimum, unless there are more rows than are tried at once or time runs out.

    Limits of links are not looked at: the bound holds with them, the assignment may break them.
    """
    return _Search(instance, reachable, slots, time.perf_counter() + time_limit_s).run()


class _Search:
    def __init__(self, instance: Instance, reachable: Reachable, slots: IntArray, until_s: float) -> None:
        self._edges = len(instance.edges)
        self._usd_per_h = np.concatenate((instance.edges.usd_per_h, instance.clouds.usd_per_h))
        self._every = reachable
        self._slots = slots
        self._until_s = until_s
        best = Assignment(reachable, slots)
        left_out = best.serve_most()
        self._left_out = len(left_out)
        # Servers full of devices without another choice are so in every plan that serves the most.
        self._forced = best.reached(left_out)
        self._rest = np.ones(len(reachable), bool)
        if len(left_out):
            self._rest = reachable.reaching((slots > 0) & ~self._forced)
        self._others = np.where(self._forced, 0, slots)
        self._hall = Hall(instance, reachable.subset(self._rest), self._others, self._forced)

    def run(self) -> Activation:
        rows = np.flatnonzero(self._rest)
        large = len(rows) > _SAMPLE
        if large:
            some = np.sort(np.random.default_rng(_SEED).choice(len(rows), _SAMPLE, replace=False))
            self._grow(rows, some, patience=_PATIENCE)
        everybody = np.arange(len(rows))
        self._grow(rows, everybody, patience=1 if large else None)
        active, bound = self._grow(rows, everybody, whole=True, patience=1 if large else None)
        return self._made_good(active > 0.5, bound)

    def _grow(
        self, rows: IntArray, some: IntArray, *, whole: bool = False, patience: int | None
    ) -> tuple[FloatArray, float]:
        """Solve and learn from `some` of the rows until nothing is missing; return activations and their bound.

        With `patience`, so many rounds in a row that hardly raise the bound are enough.
        """
        reachable = self._every.subset(rows[some])
        share = len(some) / max(len(rows), 1)
        bounds: list[float] = []
        while True:
            left_s = self._until_s - time.perf_counter()
            if left_s <= 0.0:
                return np.ones(len(self._slots)), max(bounds, default=0.0)
            found = self._hall.solve(whole=whole, time_limit_s=left_s)
            active = np.ones(len(self._slots)) if found.x is None else np.rint(found.x) if whole else found.x
            bounds.append(max(found.bound, 0.0))
            covered = self._hall.covered(active)
            learned = self._hall.learn_uncovered(covered)
            trial = Assignment(
                _by_covered(reachable, covered[some], self._edges),
                np.rint(self._others * active * share).astype(np.int64),
            )
            trial.serve_most()
            learned += self._hall.learn_short(active, trial, reachable)
            slow = patience is not None and (
                len(bounds) > patience and bounds[-1] <= bounds[-1 - patience] * (1 + _HARDLY)
            )
            if not learned or slow:
                return active, max(bounds)

    def _made_good(self, active: BoolArray, bound: float) -> Activation:
        """Activate more servers while devices are missing that could be served; drop those that serve nobody."""
        while True:
            weights = active[: self._edges].astype(np.float64)
            covered = self._every.weight(np.append(weights, np.zeros(len(active) - self._edges))) > 0.0
            found = Assignment(_by_covered(self._every, covered, self._edges), np.where(active, self._slots, 0))
            missing = found.serve_most()
            if len(missing) <= self._left_out or active.all():
                return Activation(active=active, server=found.server, bound=bound)
            more = self._enough_for(missing, ~active)
            # They may lack a server that only forwards: without slots itself, or on the way to a cloud.
            active = active | (more if more.any() else np.ones_like(more))

    def _enough_for(self, missing: IntArray, choice: BoolArray) -> BoolArray:
        """Choose servers with slots for these devices, those first that serve most of them for their price."""
        may = self._every.may[missing] & choice & (self._slots > 0)
        chosen = np.zeros(len(choice), bool)
        while len(may):
            gain = np.minimum(np.count_nonzero(may, axis=0), self._slots)
            best = int(np.argmax(gain / np.maximum(self._usd_per_h, 1e-12)))
            if not gain[best]:
                return chosen
            chosen[best] = True
            served = np.flatnonzero(may[:, best])[: gain[best]]
            may = np.delete(may, served, axis=0)
            may[:, best] = False
        return chosen


def _by_covered(reachable: Reachable, covered: BoolArray, edges: int) -> Reachable:
    """Return the same without the clouds for devices that reach no active edge server."""
    if covered.all():
        return reachable
    may = reachable.may.copy()
    may[~covered, edges:] = False
    return Reachable(may)
