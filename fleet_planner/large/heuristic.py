"""The two plans for large fleets, of least delay and of least cost, each with its bound."""

from __future__ import annotations

import time

import numpy as np

from fleet_planner.geography import FloatArray
from fleet_planner.large.activation import least_cost
from fleet_planner.large.assignment import Assignment
from fleet_planner.large.matrix import Float32Array, Matrix, matrix
from fleet_planner.large.prices import Candidates, bound, candidates, prices
from fleet_planner.large.reachable import Reachable
from fleet_planner.network import Network
from fleet_planner.objective import Objective
from fleet_planner.plan import Plan
from fleet_planner.routes import Routes, cost_usd_per_h, delays_s
from offload_sdk.errors import ConfigurationError

__all__ = ["plan_large"]

_ROUNDS = 100
_FAR_S = np.float32(1e9)


def plan_large(network: Network, aim: Objective) -> Plan:
    """Return a plan that serves the most devices there can be, proven, and is near the least cost or delay.

    Raises `ConfigurationError` for another objective, and where devices ask for different capacities.
    """
    began_s = time.perf_counter()
    if aim not in ("cost", "delay"):
        raise ConfigurationError(f"so large a fleet can be planned for cost or for delay, not for {aim}")
    whole = matrix(network)
    routes, lower = (_least_cost if aim == "cost" else _least_delay)(whole)
    objective = cost_usd_per_h(network, routes) if aim == "cost" else float(np.nansum(delays_s(network, routes)))
    gap = (objective - lower) / max(objective, 1e-12)
    return Plan(
        network=network,
        aim=aim,
        routes=routes,
        status="optimal" if gap <= 0.0 else "feasible",
        objective=objective,
        bound=min(lower, objective),
        served_bound=len(routes.served),
        solve_s=time.perf_counter() - began_s,
    )


def _least_delay(whole: Matrix) -> tuple[Routes, float]:
    """Price the slots; give each row its best priced server, those first who would lose most by another."""
    reachable = Reachable(np.isfinite(whole.delay_s))
    clouds = len(whole.network.instance.clouds)
    price = prices(whole.delay_s, whole.slots, clouds=clouds)
    found = Assignment(reachable, whole.slots)
    _choose(found, candidates(whole.delay_s, price, clouds), price)
    left_out = len(found.serve_most())
    if left_out:
        # Now that their number is known, who is to be left out is part of the prices.
        price = prices(whole.delay_s, whole.slots, clouds=clouds, left_out=left_out)
        found = Assignment(reachable, whole.slots)
        _choose(found, candidates(whole.delay_s, price, clouds), price, left_out=left_out)
        found.serve_most()
        _swap(found, reachable, whole.delay_s)
    return whole.routes(found.server), bound(whole.delay_s, whole.slots, price, left_out=left_out)


def _choose(found: Assignment, some: Candidates, price: FloatArray, *, left_out: int = 0) -> None:
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


def _swap(found: Assignment, reachable: Reachable, delay_s: Float32Array) -> None:
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


def _least_cost(whole: Matrix) -> tuple[Routes, float]:
    found = least_cost(whole.network.instance, Reachable(np.isfinite(whole.delay_s)), whole.slots)
    return whole.routes(found.server, found.active), found.bound
