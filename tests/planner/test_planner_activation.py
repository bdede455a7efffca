"""The cheapest servers by cuts: the optimum of the models that attach devices, where both apply."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fleets import check, instances
from hypothesis import assume, given, settings

from fleet_planner.activation import cheapest
from fleet_planner.attachment import fastest
from fleet_planner.flow import flow_network
from fleet_planner.generator import generate
from fleet_planner.instance import Instance
from fleet_planner.network import network
from fleet_planner.planner import plan
from fleet_planner.reduced import Aim, reduced
from fleet_planner.routes import cost_usd_per_h, delays_s
from fleet_planner.solve import solve


@pytest.mark.parametrize("technology", ["2G", "5G", "mbd"])
@given(instance=instances())
@settings(max_examples=40)
def test_cuts_find_the_optimum_and_prove_it(technology: str, instance: Instance) -> None:
    laid = network(instance, technology)
    flows = flow_network(laid)
    assume(flows is not None)
    assert flows is not None
    everything = flows.greatest(np.ones(flows.servers))
    most = solve(reduced(laid, Aim(per_device=1.0)).program)
    assert everything.value == pytest.approx(-most.objective)
    found = cheapest(flows, everything)
    check(laid, found.routes)
    assert found.status == "optimal"
    assert len(found.routes.served) == everything.value
    least = solve(reduced(laid, Aim(per_usd=1.0, served=int(everything.value))).program)
    assert cost_usd_per_h(laid, found.routes) == pytest.approx(least.objective, abs=1e-9)
    assert found.bound_usd_per_h == pytest.approx(least.objective, abs=1e-7)


def test_without_time_there_is_a_plan_and_an_honest_bound() -> None:
    laid = network(generate(80, edges=40, seed=1), "4G")
    best, hasty = plan(laid, "cost"), plan(laid, "cost", time_limit_s=0.0)
    check(laid, hasty.routes)
    assert hasty.status == "time_limit"
    assert hasty.served == best.served
    assert hasty.bound <= best.objective <= hasty.objective
    assert hasty.gap == pytest.approx((hasty.objective - hasty.bound) / hasty.objective)


def test_a_city_s_cheapest_plan_is_that_of_the_model_that_attaches_devices() -> None:
    laid = network(generate(60, edges=30, seed=2), "4G")
    found = plan(laid, "cost")
    least = solve(reduced(laid, Aim(per_usd=1.0, served=found.served)).program)
    assert found.objective == pytest.approx(least.objective)
    assert found.cost_usd_per_h == pytest.approx(found.objective)


@pytest.mark.parametrize("technology", ["2G", "mbd"])
def test_prices_find_the_arcs_that_matter(technology: str) -> None:
    drawn = generate(60, edges=50, seed=3)
    laid = network(replace(drawn, edges=replace(drawn.edges, cores=drawn.edges.cores / 4)), technology)
    known = plan(laid, "cost").routes
    least = solve(reduced(laid, Aim(per_s=1.0, served=len(known.served))).program)
    found = fastest(laid, known)
    check(laid, found.routes)
    assert found.status == "optimal"
    assert len(found.routes.served) == len(known.served)
    assert np.nansum(delays_s(laid, found.routes)) == pytest.approx(least.objective)
    assert found.bound_s == pytest.approx(least.objective)
    hasty = fastest(laid, known, time_limit_s=0.0)
    assert (hasty.status, hasty.bound_s) == ("time_limit", -np.inf)
