"""Planning again: what changes, what it costs, and that it is as good as without a plan before."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fleets import check, instances
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from fleet_planner.export import document
from fleet_planner.generator import generate
from fleet_planner.instance import Instance
from fleet_planner.network import network
from fleet_planner.plan import Plan
from fleet_planner.planner import plan
from fleet_planner.replan import kept_frac, replan
from offload_sdk.cli.app import app
from offload_sdk.errors import ConfigurationError


def attached(found: Plan) -> dict[str, str]:
    return {device: row["path"][0] for device, row in document(found)["assignments"].items()}


def moved(instance: Instance, share: float) -> Instance:
    """The same fleet after some devices have moved a kilometre or so, some have left and some have come."""
    rng = np.random.default_rng(1)
    devices = instance.devices
    lat_deg = devices.lat_deg + (rng.random(len(devices)) < share) * rng.normal(0.0, 0.01, len(devices))
    ids = tuple(f"new{n}" if rng.random() < share else each for n, each in enumerate(devices.ids))
    return replace(instance, devices=replace(devices, lat_deg=lat_deg, ids=ids))


@pytest.mark.parametrize("aim", ["cost", "delay"])
def test_most_devices_stay_though_planning_anew_would_move_them(aim: str) -> None:
    city = generate(120, edges=60, seed=3)
    before = attached(plan(network(city, "4G"), aim))
    after = network(moved(city, 0.1), "4G")
    anew, again = plan(after, aim), replan(after, before, aim)
    check(after, again.routes)
    assert again.served == anew.served
    kept, without = kept_frac(again, before), kept_frac(anew, before)
    assert kept is not None
    assert without is not None
    assert kept > max(0.8, without - 1e-9)
    if aim == "cost":
        assert again.cost_usd_per_h == pytest.approx(anew.cost_usd_per_h)
        assert kept > without + 0.1  # least cost does not care who attaches where
    else:
        assert again.mean_delay_s == pytest.approx(anew.mean_delay_s, abs=0.1)


@settings(max_examples=40, deadline=None)
@given(instances(), st.sampled_from(("cost", "delay")), st.sampled_from(("4G", "mbd")), st.integers(0, 99))
def test_a_second_plan_is_valid_and_no_worse(given: Instance, aim: str, technology: str, seed: int) -> None:
    laid = network(given, technology)
    rng = np.random.default_rng(seed)
    names = (*given.edges.ids, "gone")
    before = {each: names[rng.integers(len(names))] for each in given.devices.ids if rng.random() < 0.8}
    anew, again = plan(laid, aim), replan(laid, before, aim, change_s=0.05)
    check(laid, again.routes)
    assert again.served == anew.served
    if aim == "cost":
        assert again.objective == pytest.approx(anew.objective, abs=1e-6)
    elif anew.served:
        assert again.objective <= anew.objective + 0.05 * anew.served + 1e-6
        assert again.mean_delay_s >= anew.mean_delay_s - 1e-9


def test_a_dear_change_is_not_made_and_a_free_one_is() -> None:
    city = generate(80, edges=40, seed=5)
    laid = network(city, "4G")
    farthest = {
        each: city.edges.ids[laid.edge[laid.start[n] : laid.start[n + 1]][-1]]
        for n, each in enumerate(city.devices.ids)
        if laid.in_range[n]
    }
    shares = [kept_frac(replan(laid, farthest, "delay", change_s=each), farthest) for each in (0.0, 0.05, 10.0)]
    assert shares == sorted(shares)
    assert shares[0] < shares[2]


def test_other_aims_and_no_common_devices() -> None:
    laid = network(generate(5, edges=5), "4G")
    with pytest.raises(ConfigurationError, match="cost or for delay"):
        replan(laid, {}, "weighted")
    assert kept_frac(replan(laid, {}, "cost"), {"somebody": "else"}) is None


def test_the_command_follows_a_plan(tmp_path: Path) -> None:
    first, second = tmp_path / "1.json", tmp_path / "2.json"

    def run(*arguments: object) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["plan", "--technology", "4G", *map(str, arguments)])
        return done.exit_code, done.stdout, done.stderr

    assert run("--city", 60, "--out", first)[0] == 0
    status, printed, _ = run("--city", 70, "--previous", first, "--out", second)
    assert status == 0
    assert "kept" in printed
    before, after = (json.loads(each.read_text()) for each in (first, second))
    kept = [
        after["assignments"].get(d, {}).get("path", [""])[0] == r["path"][0]
        for d, r in before["assignments"].items()
    ]
    assert after["kept_frac"] == pytest.approx(np.mean(kept))
    second.write_text("{}")
    status, _, told = run("--city", 5, "--previous", second)
    assert (status, told.count("\n")) == (2, 1)
    assert "no plan" in told
