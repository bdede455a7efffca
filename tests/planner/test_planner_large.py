"""Plans without a program of all devices: bounds that hold, and optima where they claim to be proven."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from fleets import check, instances
from hypothesis import assume, given, settings

from fleet_planner import planner
from fleet_planner.capacity import server_slots
from fleet_planner.generator import generate
from fleet_planner.instance import Instance
from fleet_planner.large.heuristic import cheapest, quickest
from fleet_planner.large.inner import inner
from fleet_planner.literal import literal
from fleet_planner.network import Network, network
from fleet_planner.penalty import penalty
from fleet_planner.reduced import Aim, reduced
from fleet_planner.routes import cost_usd_per_h, delays_s
from fleet_planner.solve import solve
from offload_sdk.errors import ConfigurationError

_TECHNOLOGIES = ("2G", "4G", "5G", "6G", "mbd")


@pytest.mark.parametrize("technology", _TECHNOLOGIES)
@given(instance=instances())
@settings(max_examples=25)
def test_bounds_hold_and_what_meets_its_bound_is_the_literal_optimum(technology: str, instance: Instance) -> None:
    laid = network(instance, technology, seed=1)
    assume(server_slots(laid) is not None)
    for aim, found in (("cost", cheapest(laid)), ("delay", quickest(laid))):
        check(laid, found.routes)
        m = penalty(laid, aim)
        model = literal(laid, aim, penalty=m)
        best = solve(model.program)
        assert best.x is not None
        served = len(model.routes(best.x).served)
        assert len(found.routes.served) <= served <= found.served_bound
        optimum = best.objective - m * (len(instance.devices) - served)
        value = (
            cost_usd_per_h(laid, found.routes) if aim == "cost" else float(np.nansum(delays_s(laid, found.routes)))
        )
        if served == found.served_bound:
            assert found.bound <= optimum + 1e-6
        if len(found.routes.served) == served:
            assert value >= optimum - 1e-6


def test_a_city_s_cheapest_plan_is_proven_in_all_technologies() -> None:
    for technology, cores in itertools.product(_TECHNOLOGIES, (0.5, 8.0)):
        laid = _city(120, 40, technology, cores)
        found = cheapest(laid)
        check(laid, found.routes)
        most = solve(reduced(laid, Aim(per_device=1.0)).program)
        assert len(found.routes.served) == found.served_bound == round(-most.objective)
        assert cost_usd_per_h(laid, found.routes) == pytest.approx(found.bound, rel=1e-9)


@pytest.mark.parametrize("technology", ["4G", "5G"])
@pytest.mark.parametrize("cores", [0.2, 0.6, 8.0])
def test_a_city_s_quick_plan_is_near_its_bound(technology: str, cores: float) -> None:
    laid = _city(1500, 60, technology, cores)
    found = quickest(laid)
    check(laid, found.routes)
    value = float(np.nansum(delays_s(laid, found.routes)))
    assert len(found.routes.served) == found.served_bound
    assert found.bound <= value <= found.bound * 1.01


@given(instance=instances())
@settings(max_examples=50)
def test_ways_to_clouds_are_the_shortest_of_all(instance: Instance) -> None:
    laid = network(instance, "4G")
    assume(len(laid.class_cores))
    found = inner(laid)
    uplinks, trunks = instance.uplinks, instance.trunks
    for edge, cloud in itertools.product(range(len(instance.edges)), range(len(instance.clouds))):
        least_s = np.inf
        for steps in range(len(instance.clouds)):
            for up in np.flatnonzero(uplinks.tail == edge):
                for links in itertools.product(range(len(trunks)), repeat=steps):
                    places = [int(uplinks.head[up]), *(int(trunks.head[link]) for link in links)]
                    if places[-1] == cloud and all(
                        trunks.tail[link] == place for link, place in zip(links, places[:-1], strict=True)
                    ):
                        taken_s = laid.uplink_s[0, up] + laid.trunk_s[0, list(links)].sum()
                        least_s = min(least_s, float(taken_s))
        assert found.delay_s[0, edge, cloud] == pytest.approx(least_s)
        if np.isfinite(least_s):
            links = found.trunk[0, edge, cloud]
            up = found.uplink[0, edge, cloud]
            taken_s = laid.uplink_s[0, up] + laid.trunk_s[0, links[links >= 0]].sum()
            assert taken_s == pytest.approx(least_s)


def _city(devices: int, edges: int, technology: str, cores: float) -> Network:
    drawn = generate(devices, edges=edges, seed=1)
    demand = replace(drawn.devices, cores=np.full(devices, cores), ram_mb=np.full(devices, 200.0 * cores))
    return network(replace(drawn, devices=demand), technology)


def test_large_fleets_are_planned_for_one_thing_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    laid = network(generate(200, edges=20, seed=1), "4G")
    monkeypatch.setattr(planner, "_LARGE_ARCS", 10)
    assert planner.plan(laid, "cost").status == "optimal"
    found = planner.plan(laid, "delay")
    check(laid, found.routes)
    assert found.status in ("optimal", "feasible")
    assert found.bound <= found.objective
    with pytest.raises(ConfigurationError, match="for cost or for delay"):
        planner.plan(laid, "cost-delay")
