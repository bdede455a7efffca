"""Which servers to activate at the least cost: a program in the activations alone, grown by Hall's theorem.

Servers can take a set of devices if every part of it reaches as many active slots as it has members (Hall). There
are far too many parts to write down; one that falls short is read off a failed assignment and becomes a row: the
sum over servers of min(slots, members that reach the server) × active ≥ members. All rows hold for every plan, so
the program's bound is a bound on all plans, however few rows there are.

A device that a cloud serves needs an active edge server on its way, and a cloud that only clouds lead to one of
them.
"""

from __future__ import annotations

import numpy as np

from fleet_planner.geography import BoolArray, FloatArray, IntArray
from fleet_planner.instance import Instance
from fleet_planner.large.assignment import Assignment
from fleet_planner.large.reachable import Reachable
from fleet_planner.program import Builder
from fleet_planner.solve import Solution, solve

__all__ = ["Hall"]

_ROWS_A_ROUND = 32
_ROUNDING = 1e-6


class Hall:
    """The rows so far, for plans that serve every row of `reachable` (edge servers first, then clouds).

    Servers in `always` are active in any case.
    """

    def __init__(self, instance: Instance, reachable: Reachable, slots: IntArray, always: BoolArray) -> None:
        self._instance = instance
        self._edges = len(instance.edges)
        self._reachable = reachable
        self._slots = slots
        self._always = always
        self._rows: list[FloatArray] = []  # coefficients, and the right-hand side last
        self._rows.append(self._short_of(np.ones(len(reachable), bool)))
        self._lead_to_clouds()

    def solve(self, *, whole: bool, time_limit_s: float) -> Solution:
        """Return activations of the least cost by the rows so far; fractions unless `whole`."""
        model = Builder()
        usd_per_h = np.concatenate((self._instance.edges.usd_per_h, self._instance.clouds.usd_per_h))
        always = self._always.astype(np.float64)
        active = model.columns(len(always), lower=always, upper=1.0, integer=whole, cost=usd_per_h)
        rows = np.array(self._rows)
        row = model.rows(len(rows), lower=rows[:, -1])
        model.put(row[:, None], active, rows[:, :-1])
        return solve(model.program(), time_limit_s=time_limit_s)

    def covered(self, active: FloatArray) -> BoolArray:
        """Return which devices reach an active edge server; fractions add up."""
        edges = np.where(np.arange(len(active)) < self._edges, active, 0.0)
        found: BoolArray = self._reachable.weight(edges) >= 1.0 - _ROUNDING
        return found

    def learn_uncovered(self, covered: BoolArray) -> int:
        """Add rows for devices without an active edge server, those with the fewest in range first."""
        left = np.flatnonzero(~covered)
        reach = self._reachable.may[left, : self._edges]
        told = np.zeros(self._edges, bool)
        before = len(self._rows)
        for row in np.argsort(np.count_nonzero(reach, axis=1), kind="stable"):
            if not (reach[row] & told).any():
                told |= reach[row]
                self._rows.append(np.concatenate((reach[row], np.zeros(len(self._slots) - self._edges), [1.0])))
                if len(self._rows) - before >= _ROWS_A_ROUND:
                    break
        return len(self._rows) - before

    def learn_short(self, active: FloatArray, found: Assignment, reachable: Reachable) -> int:
        """Add rows for parts of the devices that fall short of slots, as a largest assignment of (some) shows."""
        explained = np.zeros(len(self._slots), bool)
        before = len(self._rows)
        for row in found.unserved:
            here = reachable.may[row] & (found.slots > 0)
            if explained.any() and not (here & ~explained).any():
                continue
            within = found.reached(np.array([row]))
            explained |= within
            short = self._short_of(~self._reachable.reaching((active > _ROUNDING) & ~within))
            if short[:-1] @ active < short[-1] - _ROUNDING:
                self._rows.append(short)
            if len(self._rows) - before >= _ROWS_A_ROUND:
                break
        return len(self._rows) - before

    def _short_of(self, part: BoolArray) -> FloatArray:
        members = max(int(np.count_nonzero(part)), 1)
        return np.append(np.minimum(self._slots, self._reachable.members(part)) / members, float(part.any()))

    def _lead_to_clouds(self) -> None:
        uplinks, trunks = self._instance.uplinks, self._instance.trunks
        for cloud in np.setdiff1d(trunks.head, uplinks.head):
            row = np.zeros(len(self._slots) + 1)
            row[self._edges + trunks.tail[trunks.head == cloud]] = 1.0
            row[self._edges + cloud] = -1.0
            self._rows.append(row)
