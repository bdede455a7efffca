"""How long delays may be in plans of least cost: that objective does not say which of those to take.

A solver returns any of them. The range tells how much of a published mean delay is chance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from fleet_planner.plan import Plan
from fleet_planner.reduced import Aim, reduced
from fleet_planner.solve import solve

__all__ = ["Ties", "ties_of"]

_ROUNDING_USD_PER_H = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """The least and the greatest mean delay over plans that cost the same and serve as many devices."""

    least_s: float
    most_s: float


def ties_of(cheapest: Plan, *, time_limit_s: float) -> Ties:
    """Return the range for a plan of least cost; a search that is stopped makes it narrower, never wider."""
    aim = Aim(per_s=1.0, served=cheapest.served, usd_per_h=cheapest.cost_usd_per_h + _ROUNDING_USD_PER_H)
    model = reduced(cheapest.network, aim)
    start = model.point(cheapest.routes)
    sums_s = []
    for sign in (1.0, -1.0):
        program = replace(model.program, cost=sign * model.program.cost)
        sums_s.append(sign * solve(program, time_limit_s=time_limit_s, start=start).objective)
    least_s, most_s = (each_s / cheapest.served for each_s in sums_s)
    return Ties(least_s=least_s, most_s=most_s)
