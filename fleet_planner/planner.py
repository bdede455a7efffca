"""From a network to a plan: which models are solved, in which order. No arithmetic on delays or prices here."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np

from fleet_planner import activation
from fleet_planner.attachment import fastest
from fleet_planner.capacity import server_slots
from fleet_planner.flow import FlowNetwork, flow_network
from fleet_planner.geography import FloatArray
from fleet_planner.large.heuristic import Found, cheapest, quickest
from fleet_planner.network import Network
from fleet_planner.objective import Objective
from fleet_planner.plan import Plan
from fleet_planner.reduced import Aim, reduced
from fleet_planner.routes import Routes, cost_usd_per_h, delays_s
from fleet_planner.solve import Solution, Status, solve
from offload_sdk.errors import ConfigurationError

__all__ = ["Tell", "plan", "plan_within"]

Tell: TypeAlias = Callable[[str, float], None]

# From so many edge servers a device on, a program of activations alone is quicker than one that attaches devices.
_DENSE = 8.0
# From so many arcs on, it is quicker to look for those that matter.
_MANY_ARCS = 8000
# With so many arcs no program that has devices in it is tried.
_LARGE_ARCS = 4_000_000
# What Hall's rows do not prove by then, a program with the devices in it proves sooner, in a city.
_FIRST_TRY_S = 0.5
_WHOLE = 1e-5
_TIE = 1e-9  # what the first part of a lexicographic objective may lose to rounding


def plan(
    network: Network,
    aim: Objective = "cost",
    *,
    time_limit_s: float = math.inf,
    usd_per_h_per_s: float = 1.0,
    progress: Tell | None = None,
) -> Plan:
    """Return the best plan, or the best one found when the time is over, with its bound.

    `weighted` minimises cost + `usd_per_h_per_s` × mean delay. `progress(step, share done)` hears of every step.
    Raises `ConfigurationError` for a large fleet whose devices differ in demand, or with an aim of two parts.
    """
    run = _Run(network, time_limit_s, stages=3 if "-" in aim else 2, progress=progress)
    alike, large = server_slots(network) is not None, len(network.edge) > _LARGE_ARCS
    if large and not (alike and aim in ("cost", "delay")):
        raise ConfigurationError(
            f"a fleet with {len(network.edge):,} ways to attach can be planned only for cost or for delay, and if "
            "all devices ask for the same cores and memory: plan it in regions"
        )
    first_s = time_limit_s if large else min(time_limit_s, _FIRST_TRY_S)
    cheap = alike and aim in ("cost", "cost-delay") and run.take("cost", cheapest(network, time_limit_s=first_s))
    if aim == "cost" and (cheap or large):
        return run.plan(aim)
    if large:
        run.take("delay", quickest(network))
        return run.plan(aim)
    if cheap:
        run.improve(Aim(per_s=1.0, served=run.served, usd_per_h=_or_hardly_more(run.objective)))
        return run.plan(aim)
    run.serve_most()
    if aim == "cost":
        run.improve(Aim(per_usd=1.0, served=run.served))
    elif aim == "delay":
        run.improve(Aim(per_s=1.0, served=run.served))
    elif aim == "weighted":
        run.improve(Aim(per_usd=1.0, per_s=usd_per_h_per_s / max(run.served, 1), served=run.served))
    elif aim == "cost-delay":
        least = run.improve(Aim(per_usd=1.0, served=run.served))
        run.improve(Aim(per_s=1.0, served=run.served, usd_per_h=_or_hardly_more(least)))
    else:
        least = run.improve(Aim(per_s=1.0, served=run.served))
        run.improve(Aim(per_usd=1.0, served=run.served, delay_s=_or_hardly_more(least)))
    return run.plan(aim)


def plan_within(known: Plan, mean_delay_s: float, *, time_limit_s: float = math.inf) -> Plan:
    """Return the cheapest plan whose mean delay is at most this, and of those the one of least delay.

    `known` is a plan that keeps to it and serves as many devices as can be.
    """
    run = _Run(known.network, time_limit_s, stages=2, progress=None)
    run.begin(known)
    limit_s = _or_hardly_more(mean_delay_s * known.served)
    least = run.improve(Aim(per_usd=1.0, served=known.served, delay_s=limit_s))
    run.improve(Aim(per_s=1.0, served=known.served, usd_per_h=_or_hardly_more(least), delay_s=limit_s))
    return run.plan("cost-delay")


def _or_hardly_more(value: float) -> float:
    return value + _TIE * max(1.0, abs(value))


def _known(found: Solution) -> FloatArray:
    """Return the solution of a program that is known to have one."""
    assert found.x is not None
    return found.x


def _is_dense(flows: FlowNetwork) -> bool:
    return len(flows.groups.edge) >= _DENSE * max(len(flows.groups.kind), 1)


class _Run:
    """One plan in the making: stages, each of which starts from the routes that the one before has found."""

    def __init__(self, network: Network, time_limit_s: float, *, stages: int, progress: Tell | None) -> None:
        self._network = network
        self._began_s = time.perf_counter()
        self._limit_s = time_limit_s
        self._stages = stages
        self._progress = progress or (lambda step, frac: None)
        self._routes = Routes.none(len(network.device_class), 0)
        self._status: Status = "optimal"
        self._objective = self._bound = 0.0
        self._served_bound = 0
        self._flows: FlowNetwork | None = None

    @property
    def served(self) -> int:
        return len(self._routes.served)

    @property
    def objective(self) -> float:
        return self._objective

    def serve_most(self) -> None:
        """Find how many devices can be served, and routes for as many."""
        self._status = "optimal"
        self._flows = flow_network(self._network)
        if self._flows is not None:
            self._stages -= 1
            self._everything = self._flows.greatest(np.ones(self._flows.servers))
            self._routes = self._flows.routes(self._everything)
            self._served_bound = self.served
            return
        self.improve(Aim(per_device=1.0))
        self._served_bound = (
            math.floor(_or_hardly_more(-self._bound))
            if math.isfinite(self._bound)
            else int(np.count_nonzero(self._network.in_range))
        )

    def take(self, aim: Literal["cost", "delay"], found: Found) -> bool:
        """Take over what was found without a program of all devices; say whether it is proven optimal."""
        self._routes, self._served_bound = found.routes, found.served_bound
        # The bound is on plans that serve the most; of plans that links cut short nothing is known.
        self._bound = found.bound if self.served == found.served_bound else -math.inf
        self._objective = (
            cost_usd_per_h(self._network, found.routes)
            if aim == "cost"
            else float(np.nansum(delays_s(self._network, found.routes)))
        )
        proven = self.served == found.served_bound and self._objective <= _or_hardly_more(found.bound)
        self._status = "optimal" if proven else "feasible"
        if proven:  # that was how many can be served, and the first part of the aim
            self._stages = max(self._stages - 2, 1)
        return proven

    def begin(self, known: Plan) -> None:
        """Take over a plan that serves as many devices as can be."""
        self._routes, self._served_bound, self._status = known.routes, known.served_bound, known.status

    def improve(self, aim: Aim) -> float:
        """Take the best routes for this aim and return their objective. The present ones must be allowed by it."""
        self._progress(
            "serving as many as can be" if aim.per_device else "least delay" if aim.per_s else "least cost",
            0.95 * (1.0 - self._stages / (self._stages + 1)),
        )
        share_s = (self._limit_s - (time.perf_counter() - self._began_s)) / self._stages
        self._stages -= 1
        if self._flows is not None:
            if aim == Aim(per_usd=1.0, served=self.served) and _is_dense(self._flows):
                return self._cheapest(self._flows, share_s)
            if aim == Aim(per_s=1.0, served=self.served) and len(self._network.edge) >= _MANY_ARCS:
                return self._fastest(share_s)
        model = reduced(self._network, aim)
        start = model.point(self._routes)
        found = solve(model.program, time_limit_s=share_s, start=start)
        self._objective, self._bound = float(model.program.cost @ start), found.bound
        if found.status != "optimal":
            self._status = "time_limit"
        if found.x is not None and found.objective <= self._objective:
            x = found.x
            if not bool((np.abs(x - np.rint(x)) < _WHOLE).all()):
                x = _known(solve(model.settled(x)))
            self._routes, self._objective = model.routes(x), found.objective
        return self._objective

    def _cheapest(self, flows: FlowNetwork, time_limit_s: float) -> float:
        found = activation.cheapest(flows, self._everything, time_limit_s=time_limit_s)
        if found.status != "optimal":
            self._status = "time_limit"
        self._routes, self._bound = found.routes, found.bound_usd_per_h
        self._objective = cost_usd_per_h(self._network, self._routes)
        return self._objective

    def _fastest(self, time_limit_s: float) -> float:
        found = fastest(self._network, self._routes, time_limit_s=time_limit_s)
        if found.status != "optimal":
            self._status = "time_limit"
        self._routes, self._bound = found.routes, found.bound_s
        self._objective = float(np.nansum(delays_s(self._network, self._routes)))
        return self._objective

    def plan(self, aim: Objective) -> Plan:
        return Plan(
            network=self._network,
            aim=aim,
            routes=self._routes,
            status=self._status,
            objective=self._objective,
            bound=min(self._bound, self._objective),
            served_bound=self._served_bound,
            solve_s=time.perf_counter() - self._began_s,
        )
