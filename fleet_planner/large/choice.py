"""Given prices of slots: who gets which. Whatever is left after that is for an assignment to make good."""

from __future__ import annotations

import numpy as np

from fleet_planner.geography import FloatArray
from fleet_planner.large.assignment import Assignment
from fleet_planner.large.matrix import Float32Array
from fleet_planner.large.prices import Candidates
from fleet_planner.large.reachable import Reachable

__all__ = ["choose", "swap"]

_ROUNDS = 100
_FAR_S = np.float32(1e9)


def choose(found: Assignment, some: Candidates, price: FloatArray, *, left_out: int = 0) -> None:
    """Place rows at their best candidates, round by round, those of the greatest regret first.

    Regret is what the next best would cost more. Where rows must be left out, that is being left out, at the price
    of the dearest row that is not.
    """
    priced = some.delay_s + price[some.server].astype(np.float32)
    count = len(priced) - left_out
    cut = np.partition(priced.min(axis=1), count - 1)[count - 1] if left_out else np.float32(np.inf)
    left = np.arange(len(priced))
    for _ in range(_ROUNDS):
        offered = np.where(found.free[some.server[left]] > 0, priced[left], np.float32(np.inf))
        best = offered.argmin(axis=1)
        first = offered[np.arange(len(left)), best]
        possible = np.flatnonzero(np.isfinite(first))
        if not len(possible):
            return
        offered[np.arange(len(left)), best] = np.inf
        regret = np.minimum(np.minimum(offered.min(axis=1), cut), _FAR_S)[possible] - first[possible]
        server = some.server[left[possible], best[possible]]
        order = np.lexsort((-regret, server))
        server, row = server[order], left[possible][order]
        accepted = np.arange(len(server)) - np.searchsorted(server, server) < found.free[server]
        row, server = row[accepted], server[accepted]
        for each in np.unique(server):
            found.place(row[server == each], int(each))
        left = left[found.server[left] < 0]


def swap(found: Assignment, reachable: Reachable, delay_s: Float32Array) -> None:
    """Let unserved rows take the places of served ones where they have less delay, while any can."""
    gained = True
    while gained:
        gained = False
        for server in np.flatnonzero(found.load):
            inside = np.flatnonzero(found.server == server)
            outside = reachable.rows_of(int(server), found.server < 0)
            inside = inside[np.argsort(-delay_s[inside, server])]
            outside = outside[np.argsort(delay_s[outside, server])]
            pairs = min(len(inside), len(outside))
            better = int(np.count_nonzero(delay_s[outside[:pairs], server] < delay_s[inside[:pairs], server]))
            if better:
                found.release(inside[:better])
                found.place(outside[:better], int(server))
                gained = True
