"""Intervals, rows and verdicts, on scores that are made up so that the verdict is known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace

import pytest

from benchmarks.fog.cells import CHARTS, Case, cases_of
from benchmarks.fog.claims import Claim, claims_of
from benchmarks.fog.parameters import Parameters, variations
from benchmarks.fog.policies import BASELINES, DYNAMIC, NAMES, OWN, PAPER, STATIC
from benchmarks.fog.score import Score
from benchmarks.fog.summary import Results, interval_of, rows_of

SEEDS = 5
EVEN = Score(**dict.fromkeys((field.name for field in fields(Score)), 50.0))


def results_of(score: Callable[[Case, str], Score], every: int = 3, seeds: int = SEEDS) -> Results:
    """Each policy's score in each case; a seed shifts all policies alike by tens, and each by a little."""
    runs = []
    for case in cases_of(Parameters(), range(1, seeds + 1), every):
        scores = {}
        for name in NAMES:
            own = score(case, name)
            noise = 10.0 * case.seed + 0.1 * ((case.seed * 7 + len(name)) % 3)
            scores[name] = replace(
                own, **{field.name: getattr(own, field.name) + noise for field in fields(Score)}
            )
        runs.append((case, scores))
    return Results(runs)


def claim(results: Results, start: str) -> Claim:
    (found,) = [one for one in claims_of(results) if one.claim.startswith(start)]
    return found


def better(*names: str, where: Callable[[Case], bool] = lambda case: True) -> Callable[[Case, str], Score]:
    def score(case: Case, name: str) -> Score:
        if name in names and where(case):
            return Score(
                battery_percent=60.0,
                signal_percent=60.0,
                qos_percent=60.0,
                success_percent=60.0,
                wait_s=40.0,
                qoe_s=60.0,
            )
        return EVEN

    return score


def test_the_interval_of_five_values() -> None:
    interval = interval_of([1.0, 2.0, 3.0, 4.0, 5.0])
    assert interval.mean == 3.0
    assert interval.half == pytest.approx(2.7764 * math.sqrt(2.5 / 5.0), rel=1e-4)  # t(0.975, 4) = 2.7764
    assert interval.sign == 1
    assert interval_of([-1.0, 1.0]).sign == 0
    assert interval_of([-1.0, -1.1]).sign == -1
    assert interval_of([5.0]).sign == 0
    assert interval_of([0.0, 0.0]).sign == 0


def test_the_charts_are_the_papers_twelve() -> None:
    assert [chart.number for chart in CHARTS] == list(range(1, 13))
    assert [chart.axis for chart in CHARTS] == ["requests"] * 5 + ["machines"] * 5 + ["limit_s"] * 2


def test_every_place_of_every_chart_has_a_row_for_every_policy() -> None:
    rows = rows_of(results_of(lambda case, name: EVEN))
    assert len(rows) == 12 * 3 * len(NAMES)
    assert len({(row.chart, row.x, row.policy) for row in rows}) == len(rows)
    assert all(row.ci is not None and row.ci > 0.0 for row in rows)
    assert all(row.ci is None for row in rows_of(results_of(lambda case, name: EVEN, seeds=1)))


def test_a_lead_is_found_in_spite_of_seeds_that_differ_by_more() -> None:
    results = results_of(better(DYNAMIC))
    won = claim(results, "the proposal beats the others on success")
    assert won.reproduced
    assert won.figure.startswith("better in 21, worse in 0 of 21 cells; mean lead +10.")
    assert claim(results, "dynamic τ beats static τ on success").reproduced
    assert claim(results, "the proposal's mean wait").reproduced


def test_a_lead_over_all_but_one_is_none() -> None:
    results = results_of(better(DYNAMIC, "sjf"))
    lost = claim(results, "the proposal beats the others on success")
    assert not lost.reproduced
    assert lost.figure.startswith("better in 0, worse in ")
    waits = claim(results, "the proposal's mean wait")
    assert waits.reproduced
    assert waits.figure == "below most in 6 of 6 cells: below fcfs in 6, sjf in 0, qos in 6"


def test_half_of_the_cells_are_not_most() -> None:
    lost = claim(
        results_of(better(DYNAMIC, where=lambda case: case.axis != "requests")),
        "the proposal beats the others on QoS",
    )
    assert not lost.reproduced
    assert lost.figure.startswith("better in 3, worse in 0 of 6 cells")


def test_a_draw_reproduces_nothing_that_compares() -> None:
    for one in claims_of(results_of(lambda case, name: EVEN)):
        assert one.reproduced == ("QoE stays positive" in one.claim), one


def test_one_place_below_zero_is_enough_against_a_qoe_that_stays_positive() -> None:
    def score(case: Case, name: str) -> Score:
        low = name == STATIC and case.axis == "limit_s" and case.x == 4.0
        return replace(EVEN, qoe_s=-100.0 if low else 50.0)

    results = results_of(score)
    fallen = claim(results, f"QoE stays positive with {STATIC}")
    assert not fallen.reproduced
    assert "positive in 8 of 9 cells; least -69" in fallen.figure
    assert fallen.figure.endswith("(chart 12, limit_s 4)")
    assert claim(results, f"QoE stays positive with {DYNAMIC}").reproduced


def test_the_claims_are_judged_again_with_every_policy_in_rounds() -> None:
    results = results_of(better(DYNAMIC, where=lambda case: case.parameters.in_rounds))
    won = claim(results, "every policy in rounds: the proposal beats the others on success")
    assert won.reproduced
    assert won.figure.startswith("better in 9, worse in 0 of 9 cells")
    assert won.figure.endswith("each beaten: fcfs in 9, sjf in 9, qos in 9")
    assert not claim(results, "the proposal beats the others on success").reproduced


@pytest.mark.skipif(OWN in PAPER, reason="the server's default is one of the paper's policies")
def test_the_servers_own_policy_must_win_every_chart() -> None:
    results = results_of(better(OWN))
    assert claim(results, f"{OWN} beats all five on every chart").figure == "on 12 of 12"
    assert claim(results, f"{OWN} beats all five on chart 9").reproduced
    results = results_of(better(OWN, where=lambda case: case.axis != "limit_s"))
    every = claim(results, f"{OWN} beats the proposal on every chart")
    assert (every.reproduced, every.figure) == (False, "on 10 of 12")
    assert not claim(results, f"{OWN} beats the proposal on chart 12").reproduced


def test_each_variation_is_judged_by_itself() -> None:
    name = "batteries drain twice as fast"
    assert name in variations(Parameters())
    results = results_of(better(*BASELINES, where=lambda case: case.axis == name))
    assert claim(results, f"{name}: the proposal").figure.startswith("better in 0, worse in 1 of 1 cells")
    results = results_of(better(DYNAMIC, where=lambda case: case.axis in variations(Parameters())))
    for other in list(variations(Parameters()))[::3]:
        assert claim(results, f"{other}: the proposal").reproduced
    assert not claim(results, "the proposal beats the others on success").reproduced
