"""The planner's experiment: published figures against runs that are made up, the command, and one city."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.fleet.__main__ import main
from benchmarks.fleet.published import Claim, claims_of
from benchmarks.fleet.runs import OBJECTIVES, SCENARIOS, SIZES, Case, Run, cases_of, play
from benchmarks.fleet.summary import Results
from benchmarks.fleet.ties import Ties

DELAYS_S = {"2G": (103.106, 85.0), "3G": (4.0, 3.3), "4G": (0.41, 0.34), "5G": (0.04, 0.04), "6G": (0.009, 0.009)}


def as_published(case: Case) -> tuple[Run, ...]:
    served = {"2G": 0.98, "6G": 0.43}.get(case.scenario, 0.9)
    mixed = case.scenario == "mbd"
    delays_s = DELAYS_S.get(case.scenario, (2.0, 1.0))
    dearer = 2.2381 if (case.scenario, case.devices) == ("4G", 100) else 1.5
    return tuple(
        Run(
            case=case,
            objective=objective,
            acceptance_frac=served,
            local_acceptance_frac=served - 0.1 * (mixed and case.devices >= 250),
            mean_delay_s=delay_s,
            cost_usd_per_h=cost,
            cpu_s=0.1 * (1 + (case.devices == 300 and case.scenario == "2G")),
            proven=True,
            ties=Ties(least_s=1.1, most_s=8.0 if case.devices == 300 else 2.5)
            if mixed and objective == "cost"
            else None,
        )
        for objective, delay_s, cost in zip(OBJECTIVES, delays_s, (1.0, dearer), strict=True)
    )


def judged(change: Callable[[Run], Run] = lambda run: run) -> dict[str, Claim]:
    runs = [change(run) for case in cases_of(range(3)) for run in as_published(case)]
    return {claim.key: claim for claim in claims_of(Results(runs))}


def test_what_is_as_published_is_reproduced() -> None:
    claims = judged()
    assert all(claim.reproduced for claim in claims.values())
    for key, claim in claims.items():
        if key not in ("solve_2G_300", "slowest_solve", "delay_gap_mbd_200", "largest_delay_gap_mbd"):
            assert claim.ours == pytest.approx(claim.published)
    assert claims["slowest_solve"].ours == pytest.approx(200.0)
    assert claims["slowest_solve"].note.startswith("2G, ")


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (
            lambda run: replace(
                run,
                acceptance_frac=run.acceptance_frac - 0.1,
                local_acceptance_frac=run.local_acceptance_frac - 0.1,
            ),
            {"acceptance_2G_150", "acceptance_6G_150"},
        ),
        (
            lambda run: replace(run, mean_delay_s=run.mean_delay_s and 1.1 * run.mean_delay_s),
            {"delay_2G_cost", "delay_4G_cost", "delay_4G_delay", "delay_6G_cost", "delay_6G_delay"},
        ),
        (
            lambda run: replace(run, cost_usd_per_h=1.2 if run.objective == "cost" else run.cost_usd_per_h),
            {"saving_4G_100"},
        ),
        (
            lambda run: (
                replace(run, cost_usd_per_h=3.0)
                if run.case.scenario == "2G" and run.case.devices == 300 and run.objective == "delay"
                else run
            ),
            {"largest_saving"},
        ),
        (lambda run: replace(run, local_acceptance_frac=run.acceptance_frac), {"on_demand_from_mbd"}),
        (lambda run: replace(run, local_acceptance_frac=0.0), {"on_demand_from_mbd"}),
        (lambda run: replace(run, cpu_s=5.0 if run.case.scenario == "5G" else 0.1), {"slowest_solve"}),
        (
            lambda run: replace(run, ties=run.ties and Ties(least_s=1.0, most_s=1.5)),
            {"delay_gap_mbd_200", "largest_delay_gap_mbd"},
        ),
    ],
)
def test_what_is_not_as_published_is_not_reproduced(change: Callable[[Run], Run], broken: set[str]) -> None:
    claims = judged(change)
    assert {key for key, claim in claims.items() if not claim.reproduced} == broken


def test_clouds_on_demand_that_nobody_needs_have_no_size() -> None:
    claim = judged(lambda run: replace(run, local_acceptance_frac=run.acceptance_frac))["on_demand_from_mbd"]
    assert claim.ours is None
    assert "never in 3" in claim.note


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("matplotlib")
    return tmp_path_factory.mktemp("fleet") / "new"


def test_the_command_prints_one_object_and_draws_each_figure(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(("--seeds", "2", "--workers", "1", "--json", "--out", str(folder)), as_published)
    printed, told = capsys.readouterr()
    document = json.loads(printed)
    assert (document["seeds"], document["plans"], document["unproven_plans"]) == (2, 120, 0)
    assert len(document["points"]) == 5 * len(OBJECTIVES) * len(SCENARIOS) * len(SIZES)
    assert {point["figure"] for point in document["points"]} == {3, 4, 5, 6}
    assert all(point["low"] <= point["mean"] <= point["high"] for point in document["points"])
    assert {type(claim["reproduced"]) for claim in document["claims"]} == {bool}
    assert "reproduced" in told
    assert len(json.loads((folder / "fleet.json").read_text())["rows"]) == len(document["claims"])
    for name, lines in (("-acceptance", 1), ("-delay", 1), ("-cost", 1), ("-time", 1), ("", 4)):
        with Image.open(folder / f"fleet{name}.png") as picture:
            grey = np.asarray(picture.convert("L"))
        for row in np.array_split(grey, lines):
            for panel in np.array_split(row, 2, axis=1):
                assert (panel < 200).mean() > 0.01


@pytest.mark.parametrize(
    ("arguments", "message"), [(("--seeds", "0"), "whole number"), (("--out", __file__), "--out: ")]
)
def test_a_mistake_is_told_before_anything_runs(
    arguments: tuple[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in capsys.readouterr().err


def test_a_city_is_planned_for_both_objectives() -> None:
    pytest.importorskip("highspy")
    least_cost, least_delay = play(Case(seed=1, scenario="mbd", devices=30))
    assert least_cost.acceptance_frac == least_delay.acceptance_frac >= least_cost.local_acceptance_frac > 0.5
    assert least_cost.cost_usd_per_h < least_delay.cost_usd_per_h
    assert least_cost.mean_delay_s is not None
    assert least_delay.mean_delay_s is not None
    assert least_cost.ties is not None
    assert least_delay.ties is None
    ends_s = (least_delay.mean_delay_s, least_cost.ties.least_s, least_cost.mean_delay_s, least_cost.ties.most_s)
    assert sorted(ends_s) == pytest.approx(ends_s)
