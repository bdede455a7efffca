"""Which request goes to which place, S2's integer programme: (11) to (17). Remembers nothing.

It is a rectangular assignment: at most one request for a place (13) and one place for a request (14), as many
feasible pairs as there can be, and of those sets the one of least cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from server_stub.scheduling.context import min_max
from server_stub.scheduling.state import Waiting, WorkerState

__all__ = ["Pairs", "assign", "pairs_of"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Every request (rows) on every kind of place (columns): the seconds it would take, and whether it may.

    `kinds` is the column of each place; places that differ in nothing share one.
    """

    execution_s: Array
    feasible: Mask
    kinds: npt.NDArray[np.intp]


def pairs_of(requests: Sequence[Waiting], places: Sequence[WorkerState], now_s: float) -> Pairs:
    """Return the execution times ψ, and the pairs that satisfy (12) and (15)."""
    service_s = np.array([one.service_s for one in requests])[:, np.newaxis]
    size_bytes = np.array([one.image_bytes for one in requests])[:, np.newaxis]
    due_s = np.array([np.inf if one.due_s is None else one.due_s for one in requests])[:, np.newaxis]
    # A busy place, whose request may be stopped, is a kind of its own.
    keys = [(one.speed, one.capacity_bytes, None if one.room else one.number) for one in places]
    distinct = list(dict.fromkeys(keys))
    speed = np.array([speed for speed, _, _ in distinct])
    capacity_bytes = np.array([np.inf if capacity is None else capacity for _, capacity, _ in distinct])
    execution_s = service_s / speed
    return Pairs(
        execution_s=execution_s,
        feasible=(size_bytes <= capacity_bytes) & (now_s + execution_s <= due_s),
        kinds=np.array([distinct.index(key) for key in keys]),
    )


def assign(pairs: Pairs, priority: Array, deferred: Array) -> list[tuple[int, int]]:
    """Return (row, place) of each request that is served, by row.

    `priority` is P of each request, `deferred` the intervals I for which it has waited: 1 / (1 + I) is what
    serving it costs. Each of the three terms of (11) is scaled to 0..1 over the feasible pairs.
    """
    from scipy.optimize import linear_sum_assignment  # 30 MB that only this scheduler needs

    feasible = pairs.feasible
    servable: Mask = np.any(feasible, axis=1)
    if not servable.any():
        return []
    cost = _scaled(pairs.execution_s, feasible)
    cost += (_scaled(priority, servable) + _scaled(1.0 / (1.0 + deferred), servable))[:, np.newaxis]
    count = len(pairs.kinds)
    # An infeasible pair costs more than any set of feasible ones, so first their number counts, then their cost.
    cost[~feasible] = 3.0 * count + 1.0
    rows = _cheapest(cost, count)
    chosen, places = linear_sum_assignment(cost[np.ix_(rows, pairs.kinds)])
    return [
        (int(row), int(place))
        for row, place in zip(rows[chosen], places, strict=True)
        if feasible[row, pairs.kinds[place]]
    ]


def _scaled(values: Array, counted: Mask) -> Array:
    seen = values[counted]
    return min_max(values, seen.min(), seen.max())


def _cheapest(cost: Array, count: int) -> npt.NDArray[np.intp]:
    """Return the rows that are among the cheapest of some column, where `count` is how many places there are.

    None other can be needed: in its place one of these, which the other places cannot all have taken, costs no
    more. That makes a few hundred of ten thousand requests.
    """
    if len(cost) <= count:
        return np.arange(len(cost))
    return np.unique(np.argpartition(cost, count - 1, axis=0)[:count])
