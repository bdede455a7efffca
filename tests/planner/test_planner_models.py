"""The reduced model against the source's own formulation, and both against what every plan must hold."""

from __future__ import annotations

import numpy as np
import pytest
from fleets import check, instances
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet_planner.generator import generate
from fleet_planner.instance import Instance
from fleet_planner.literal import literal
from fleet_planner.network import network
from fleet_planner.objective import Objective
from fleet_planner.pareto import front
from fleet_planner.penalty import penalty
from fleet_planner.planner import plan
from fleet_planner.routes import cost_usd_per_h, delays_s
from fleet_planner.solve import solve

_TECHNOLOGIES = ("2G", "4G", "5G", "6G", "mbd")


@pytest.mark.parametrize("technology", _TECHNOLOGIES)
@pytest.mark.parametrize("aim", ["cost", "delay"])
@given(instance=instances(), link_rates=st.booleans())
@settings(max_examples=20)
def test_the_reduced_model_has_the_literal_one_s_optimum(
    technology: str, aim: Objective, instance: Instance, link_rates: bool
) -> None:
    laid = network(instance, technology, seed=1, link_rates=link_rates)
    ours = plan(laid, aim)
    check(laid, ours.routes)
    m = penalty(laid, aim)
    model = literal(laid, aim, penalty=m)
    theirs = solve(model.program)
    assert ours.status == theirs.status == "optimal"
    assert ours.objective + m * (len(instance.devices) - ours.served) == pytest.approx(
        theirs.objective, rel=1e-7, abs=1e-7
    )
    assert theirs.x is not None
    routes = model.routes(theirs.x)
    check(laid, routes)
    assert len(routes.served) == ours.served
    value = cost_usd_per_h(laid, ours.routes) if aim == "cost" else float(np.nansum(delays_s(laid, ours.routes)))
    assert value == pytest.approx(ours.objective, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("technology", ["4G", "mbd"])
@given(instance=instances())
@settings(max_examples=15)
def test_lexicographic_plans_keep_the_first_aim(technology: str, instance: Instance) -> None:
    laid = network(instance, technology)
    cheap, fast = plan(laid, "cost"), plan(laid, "delay")
    cheap_then_fast, fast_then_cheap = plan(laid, "cost-delay"), plan(laid, "delay-cost")
    for each in (cheap_then_fast, fast_then_cheap):
        check(laid, each.routes)
        assert each.status == "optimal"
        assert each.served == cheap.served == fast.served
    assert cheap_then_fast.cost_usd_per_h == pytest.approx(cheap.objective, abs=1e-7)
    assert fast_then_cheap.cost_usd_per_h <= fast.cost_usd_per_h + 1e-7
    if cheap.served:
        assert fast_then_cheap.mean_delay_s == pytest.approx(fast.mean_delay_s, rel=1e-6)
        assert cheap_then_fast.mean_delay_s is not None
        assert cheap.mean_delay_s is not None
        assert cheap_then_fast.mean_delay_s <= cheap.mean_delay_s * (1 + 1e-6)
        weighted = plan(laid, "weighted", usd_per_h_per_s=0.3)
        assert weighted.mean_delay_s is not None
        for other in (cheap_then_fast, fast_then_cheap):
            assert other.mean_delay_s is not None
            value = other.cost_usd_per_h + 0.3 * other.mean_delay_s
            assert weighted.objective <= value + 1e-6
        assert weighted.objective == pytest.approx(weighted.cost_usd_per_h + 0.3 * weighted.mean_delay_s, abs=1e-6)


def test_the_front_falls_from_the_cheapest_to_the_fastest() -> None:
    laid = network(generate(14, edges=6, seed=5), "4G")
    plans = list(front(laid, points=4, time_limit_s=20.0))
    assert len(plans) >= 2
    costs, means = [each.cost_usd_per_h for each in plans], [each.mean_delay_s or 0.0 for each in plans]
    assert costs == sorted(costs)
    assert means == sorted(means, reverse=True)
    assert len(set(means)) == len(means)
    assert plans[-1].mean_delay_s == pytest.approx(plan(laid, "delay").mean_delay_s)
    assert plans[0].cost_usd_per_h == pytest.approx(plan(laid, "cost").objective)
