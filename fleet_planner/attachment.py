"""The least delay in dense networks: a linear program of the arcs that matter, and prices that prove it has them.

Of hundreds of edge servers in range a device uses one of the quickest. So the program starts from a few arcs of
each device, and takes in those whose delay is below what its dual prices say they are worth (column generation).
When there are none left, its optimum is that of all arcs.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from fleet_planner.geography import BoolArray
from fleet_planner.network import Network
from fleet_planner.reduced import Aim, reduced
from fleet_planner.routes import Routes
from fleet_planner.solve import Status, solve

__all__ = ["Attachment", "fastest"]

_QUICKEST = 12  # arcs of each device to start with
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """The best routes found; no plan that serves as many devices has a lower sum of delays than `bound_s`."""

    status: Status
    routes: Routes
    bound_s: float


def fastest(network: Network, known: Routes, *, time_limit_s: float = math.inf) -> Attachment:
    """Minimise (16) among plans that serve as many devices as `known`.

    For networks in which a flow of whole devices is optimal (`flow_network` is not None).
    """
    ends_s = time.perf_counter() + time_limit_s
    taken = _quickest(network)
    taken[known.attachment[known.served]] = True
    best = known
    while True:
        arcs = np.flatnonzero(taken)
        part = _with_arcs(network, taken)
        model = reduced(part, Aim(per_s=1.0, served=len(known.served)))
        found = solve(model.program, time_limit_s=ends_s - time.perf_counter())
        if found.x is None or found.row_dual is None:
            return Attachment(status="time_limit", routes=best, bound_s=-math.inf)
        routes = model.routes(found.x)
        attachment = np.where(routes.attachment < 0, -1, arcs[routes.attachment])
        best = replace(routes, attachment=attachment)
        worth = np.zeros(len(network.device_class))
        worth[model.groups.member] = found.row_dual[model.group_row]
        if model.served_row is not None:
            worth += found.row_dual[model.served_row]
        passage = found.row_dual[model.edge_row][network.device_class[network.device], network.edge]
        missing = network.attach_s - worth[network.device] - passage < -_ROUNDING * (1.0 + network.attach_s)
        missing &= ~taken
        if not missing.any():
            return Attachment(status="optimal", routes=best, bound_s=found.objective)
        taken |= missing


def _quickest(network: Network) -> BoolArray:
    """Return which arcs are among the quickest of their device."""
    order = np.lexsort((network.attach_s, network.device))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order)) - np.repeat(network.start[:-1], network.in_range)
    return rank < _QUICKEST


def _with_arcs(network: Network, taken: BoolArray) -> Network:
    """Return the network with some of its arcs only."""
    start = np.concatenate(
        ([0], np.cumsum(np.bincount(network.device[taken], minlength=len(network.device_class))))
    )
    return replace(network, start=start, edge=network.edge[taken], attach_s=network.attach_s[taken])
