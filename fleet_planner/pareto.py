"""Plans between the cheapest and the fastest: the front of (15) against (16), by ε-constraints. No models here."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from fleet_planner.network import Network
from fleet_planner.plan import Plan
from fleet_planner.planner import plan, plan_within

__all__ = ["front"]


def front(network: Network, *, points: int = 5, time_limit_s: float = math.inf) -> Iterator[Plan]:
    """Yield plans from the cheapest to the fastest, none better than another in both cost and delay.

    The ends are the two lexicographic plans; the others are the cheapest, then fastest, whose mean delay keeps to
    one of `points` − 2 limits evenly spread between those of the ends. All serve as many devices as can be. The
    time is that of one plan; with a limit, plans may fall short of the front by their gap.
    """
    cheapest = plan(network, "cost-delay", time_limit_s=time_limit_s)
    yield cheapest
    fastest = plan(network, "delay-cost", time_limit_s=time_limit_s)
    if cheapest.mean_delay_s is None or fastest.mean_delay_s is None:
        return
    last = cheapest
    for limit_s in np.linspace(cheapest.mean_delay_s, fastest.mean_delay_s, points)[1:-1].tolist():
        found = plan_within(fastest, limit_s, time_limit_s=time_limit_s)
        if _better(found, last) and _better(fastest, found):
            yield found
            last = found
    if _better(fastest, last):
        yield fastest


def _better(plan: Plan, other: Plan) -> bool:
    """Whether a plan is faster than another by more than rounding."""
    assert plan.mean_delay_s is not None
    assert other.mean_delay_s is not None
    return plan.mean_delay_s < other.mean_delay_s * (1.0 - 1e-9)
