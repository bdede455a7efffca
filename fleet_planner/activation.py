"""The cheapest servers that serve as many devices as can be: a program of activations alone, with cuts as needed.

Dense networks leave hundreds of thousands of ways to attach, of which the price knows nothing. So devices are left
out of the program; a flow says whether a choice of servers suffices, and if not, which cut it breaks.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from fleet_planner.cuts import Cut, cuts, demand
from fleet_planner.flow import Flow, FlowNetwork
from fleet_planner.geography import FloatArray
from fleet_planner.program import Builder, Program
from fleet_planner.routes import Routes, cost_usd_per_h
from fleet_planner.solve import Status, solve

__all__ = ["Activation", "cheapest"]

_VIOLATION = 1e-6
_ROUNDS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """The best routes found; no plan that serves as many devices costs less than `bound_usd_per_h`."""

    status: Status
    routes: Routes
    bound_usd_per_h: float


def cheapest(flows: FlowNetwork, everything: Flow, *, time_limit_s: float = math.inf) -> Activation:
    """Minimise (15) among plans that serve as many as `everything`, a greatest flow with all servers active.

    The program is solved without integers until its cuts are found, then with integers until its choice suffices.
    """
    ends_s = time.perf_counter() + time_limit_s
    instance = flows.network.instance
    prices = np.concatenate((instance.edges.usd_per_h, instance.clouds.usd_per_h))
    asked = demand(flows, everything)
    known: dict[tuple[float, bytes], Cut] = {}
    bound, best = 0.0, flows.routes(everything)

    def broken(active: FloatArray) -> tuple[Flow, bool]:
        flow = flows.greatest(active)
        before = len(known)
        for cut in cuts(flows, flow, asked) if flow.value < everything.value - _VIOLATION else ():
            if cut.weight @ active < cut.least - _VIOLATION:
                known.setdefault((cut.least, cut.weight.tobytes()), cut)
        return flow, len(known) > before

    active, whole, rounds = np.zeros(flows.servers), False, 0
    while time.perf_counter() < ends_s:
        flow, more = broken(active)
        if whole and not more:
            return Activation(status="optimal", routes=flows.routes(flow), bound_usd_per_h=bound)
        if not whole and (not more or rounds >= _ROUNDS):
            whole = True
            support = flows.greatest(np.where(active > _VIOLATION, 1.0, 0.0))
            if support.value == everything.value:
                best = min(best, flows.routes(support), key=lambda routes: cost_usd_per_h(flows.network, routes))
        found = solve(_program(prices, list(known.values()), whole), time_limit_s=ends_s - time.perf_counter())
        rounds += 1
        bound = max(bound, found.bound)
        if found.x is None or found.status != "optimal":
            break
        active = np.rint(found.x) if whole else np.clip(found.x, 0.0, 1.0)
    return Activation(status="time_limit", routes=best, bound_usd_per_h=bound)


def _program(prices: FloatArray, known: list[Cut], whole: bool) -> Program:
    model = Builder()
    active = model.columns(len(prices), upper=1.0, cost=prices, integer=whole)
    row = model.rows(len(known), lower=np.array([cut.least for cut in known]))
    weights = np.array([cut.weight for cut in known]).reshape(len(known), len(prices))
    at, server = np.nonzero(weights)
    model.put(row[at], active[server], weights[at, server])
    return model.program()
