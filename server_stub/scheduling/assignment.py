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
    """Every request (rows) on every place (columns): the seconds it would take, and whether it may."""

    execution_s: Array
    feasible: Mask


def pairs_of(requests: Sequence[Waiting], places: Sequence[WorkerState], now_s: float) -> Pairs:
    """Return the execution times ψ, and the pairs that satisfy (12) and (15)."""
    service_s = np.array([one.service_s for one in requests])[:, np.newaxis]
    size_bytes = np.array([one.image_bytes for one in requests])[:, np.newaxis]
    due_s = np.array([np.inf if one.due_s is None else one.due_s for one in requests])[:, np.newaxis]
    speed = np.array([place.speed for place in places])
    capacity_bytes = np.array([np.inf if one.capacity_bytes is None else one.capacity_bytes for one in places])
    execution_s = service_s / speed
    return Pairs(
        execution_s=execution_s,
        feasible=(size_bytes <= capacity_bytes) & (now_s + execution_s <= due_s),
    )


def assign(pairs: Pairs, priority: Array, deferred: Array) -> list[tuple[int, int]]:
    """Return (row, column) of each request that is served, by row.

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
    count = feasible.shape[1]
    # An infeasible pair costs more than any set of feasible ones, so first their number counts, then their cost.
    cost[~feasible] = 3.0 * count + 1.0
    rows = _cheapest(cost, count)
    chosen, columns = linear_sum_assignment(cost[rows])
    return [
        (int(row), int(column)) for row, column in zip(rows[chosen], columns, strict=True) if feasible[row, column]
    ]


def _scaled(values: Array, counted: Mask) -> Array:
    seen = values[counted]
    return min_max(values, seen.min(), seen.max())


def _cheapest(cost: Array, count: int) -> npt.NDArray[np.intp]:
    """Return the rows that are among the `count` cheapest of some column, as many as there are columns.

    None other can be needed: in its place one of these, which the other columns cannot all have taken, costs no
    more. That makes a few hundred of ten thousand requests.
    """
    if len(cost) <= count:
        return np.arange(len(cost))
    distinct = np.unique(cost, axis=1)
    return np.unique(np.argpartition(distinct, count - 1, axis=0)[:count])
