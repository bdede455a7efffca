"""The policy `bandit`: what it learns, how soon, what it forgets, and that it keeps within the limits."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from situations import estimate, on_battery, outcome, policy, situation

from offload_sdk._types import Situation, Snapshot
from offload_sdk.decide.ratio import LogRatio
from offload_sdk.typing import LearningPolicy

pytestmark = pytest.mark.light

LOCAL, EDGE = estimate("local", 0.050, sd_s=0.002), estimate("edge", 0.060, sd_s=0.010)
CASE = situation(LOCAL, EDGE)


def bandit(seed: int = 0) -> LearningPolicy:
    made = policy("bandit", seed=seed)
    assert isinstance(made, LearningPolicy)
    return made


def taught(chooser: LearningPolicy, times: int, case: Situation = CASE, **latencies_s: float) -> LearningPolicy:
    for _ in range(times):
        decision = chooser.decide(case)
        chooser.learn(decision, [outcome(option, latency_s) for option, latency_s in latencies_s.items()])
    return chooser


def share(chooser: LearningPolicy, option: str, case: Situation = CASE, draws: int = 400) -> float:
    return sum(chooser.decide(case).chosen == option for _ in range(draws)) / draws


def probability(chooser: LearningPolicy, option: str, case: Situation = CASE) -> float:
    """Return the propensity of one of two options, as told, without waiting for it to be drawn."""
    decision = chooser.decide(case)
    return decision.propensity if decision.chosen == option else 1.0 - decision.propensity


def test_it_learns_that_a_prediction_is_off_and_changes_over() -> None:
    fresh, told = bandit(), taught(bandit(), 30, local=0.100, edge=0.060)
    assert probability(fresh, "local") > 0.5
    assert probability(told, "edge") > 0.97
    # What it learned is a factor: it holds for images of another size.
    larger = situation(estimate("local", 0.50, sd_s=0.02), estimate("edge", 0.60, sd_s=0.1))
    assert probability(told, "edge", larger) > 0.97


def test_it_notices_within_forty_images_that_things_have_changed() -> None:
    chooser = taught(bandit(), 200, local=0.050, edge=0.150)
    assert probability(chooser, "local") > 0.99
    assert probability(taught(chooser, 40, local=0.120, edge=0.060), "edge") > 0.9


def test_what_is_not_tried_is_forgotten_so_that_it_is_tried_again() -> None:
    chooser = taught(bandit(), 40, local=0.050, edge=0.200)
    sure = probability(chooser, "edge")
    assert sure < 1e-6
    by_images = probability(taught(chooser, 100, local=0.050), "edge")
    assert by_images > 1000 * sure
    later = situation(LOCAL, EDGE, snapshot=Snapshot(taken_s=3600.0))
    assert probability(chooser, "edge", later) > by_images
    assert probability(chooser, "edge", later) == pytest.approx(probability(bandit(), "edge"))


def test_it_finds_the_better_option_of_a_piecewise_constant_pair() -> None:
    """Predictions that say nothing; the true times swap every 150 images. Against the best of each piece."""
    chooser, rng = bandit(3), random.Random(4)
    case = situation(estimate("local", 0.08, sd_s=0.01), estimate("edge", 0.08, sd_s=0.01))
    spent_s = best_s = fixed_s = 0.0
    for step in range(3000):
        truth = {"local": 0.05, "edge": 0.12} if step // 150 % 2 else {"local": 0.12, "edge": 0.05}
        taken = {option: mean_s * rng.lognormvariate(0.0, 0.1) for option, mean_s in truth.items()}
        decision = chooser.decide(case)
        chooser.learn(decision, [outcome(decision.chosen, taken[decision.chosen], started_s=0.1 * step)])
        spent_s += taken[decision.chosen]
        best_s += min(taken.values())
        fixed_s += taken["local"]
    assert spent_s < 1.2 * best_s
    assert spent_s < 0.75 * fixed_s


def test_of_two_options_the_propensity_is_thompsons() -> None:
    chooser = bandit()
    decision = next(d for d in (chooser.decide(CASE) for _ in range(100)) if d.chosen == "local")

    def law(mean_s: float, sd_s: float) -> float:
        return math.log1p((sd_s / mean_s) ** 2)  # the variance of the logarithm

    variance = 2 * 0.2**2 + law(0.050, 0.002) + law(0.060, 0.010)  # both beliefs are still the prior
    expected = 0.5 * (1.0 + math.erf(math.log(0.060 / 0.050) / math.sqrt(2.0 * variance)))
    assert decision.propensity == pytest.approx(expected)
    assert not decision.explored


def test_a_draw_against_the_odds_counts_as_explored() -> None:
    decisions = [bandit(seed).decide(CASE) for seed in range(60)]
    assert {(d.chosen, d.explored) for d in decisions} == {("local", False), ("edge", True)}
    explored = next(d for d in decisions if d.explored)
    assert explored.propensity < 0.5
    assert "tried though local is likely faster" in explored.reason


def test_it_tries_nothing_beyond_the_limits() -> None:
    weak = situation(LOCAL, estimate("edge", 0.01), snapshot=Snapshot(taken_s=0.0, signal_dbm=-95.0))
    assert share(bandit(), "local", weak) == 1.0
    frugal = situation(LOCAL, estimate("edge", 0.9, energy_j=0.01), snapshot=on_battery(0.1))
    assert share(bandit(), "edge", frugal) == 1.0
    late = situation(LOCAL, estimate("edge", 0.055, sd_s=0.050), deadline_s=0.060)
    assert share(bandit(), "local", late) == 1.0
    barred = situation(LOCAL, estimate("edge", 0.01), unavailable={"edge": "3 failures in a row"})
    decision = bandit().decide(barred)
    assert (decision.chosen, decision.propensity, decision.explored) == ("local", 1.0, False)


def test_a_deadline_is_judged_by_what_was_learned() -> None:
    case = situation(LOCAL, estimate("edge", 0.120, sd_s=0.010), deadline_s=0.150)
    assert share(bandit(), "local", case) > 0.9
    slow_here = taught(bandit(), 30, case, local=0.200, edge=0.120)
    assert share(slow_here, "edge", case) == 1.0


def test_a_fast_failure_does_not_look_like_a_fast_answer() -> None:
    chooser = bandit()
    for _ in range(30):
        decision = chooser.decide(CASE)
        chooser.learn(decision, [outcome("edge", 0.001, status="failed"), outcome("local", 0.05, role="fallback")])
    assert probability(chooser, "edge") <= probability(taught(bandit(), 30, local=0.050), "edge") + 1e-9


@pytest.mark.parametrize("status", ["failed", "ignored"])
def test_an_attempt_that_was_given_up_can_only_raise_what_is_expected(status: str) -> None:
    def after(latency_s: float) -> float:
        chooser = bandit()
        chooser.learn(chooser.decide(CASE), [outcome("edge", latency_s, status=status, censored=True)])
        return probability(chooser, "edge")

    untold = bandit()
    untold.learn(untold.decide(CASE), [])
    chances = [after(latency_s) for latency_s in (1e-6, 0.03, 0.06, 0.12, 1.0)]
    assert chances[0] == pytest.approx(probability(untold, "edge"))  # it says nothing
    assert chances == sorted(chances, reverse=True)
    assert chances[-1] < 0.01


@given(
    samples=st.lists(st.floats(-20.0, 20.0), max_size=30),
    bound=st.floats(-60.0, 60.0),
    spread=st.floats(0.0, 2.0),
)
@settings(max_examples=200, deadline=None)
def test_a_bound_never_lowers_the_ratio_and_never_makes_it_less_certain(samples, bound, spread) -> None:
    ratio = LogRatio()
    for step, sample in enumerate(samples):
        ratio.add(sample, spread, step, 0.1 * step)
    step, now_s = len(samples), 0.1 * len(samples)
    mean, sd = ratio.mean_sd(spread, step, now_s)
    ratio.add_above(bound, spread, step, now_s)
    raised, surer = ratio.mean_sd(spread, step, now_s)
    assert raised >= mean - 1e-9
    assert surer <= sd + 1e-9


@pytest.mark.parametrize("bound", [-0.5, -0.1, 0.0, 0.3, 1.0, 3.0])
def test_a_bound_gives_the_posterior_of_a_censored_sample(bound: float) -> None:
    """Mean and standard deviation, against integration on a grid."""
    ratio = LogRatio()
    ratio.add_above(bound, 0.0, 1, 0.0)
    grid = [-1.5 + 0.001 * place for place in range(5001)]
    # The prior, and the chance that a sample about m lies above the bound; both have a standard deviation of 0.2.
    weights = [math.exp(-0.5 * (m / 0.2) ** 2) * math.erfc((bound - m) / 0.2 / math.sqrt(2.0)) for m in grid]
    mean = sum(m * w for m, w in zip(grid, weights, strict=True)) / sum(weights)
    variance = sum((m - mean) ** 2 * w for m, w in zip(grid, weights, strict=True)) / sum(weights)
    assert ratio.mean_sd(0.0, 1, 0.0) == pytest.approx((mean, math.sqrt(variance)), rel=0.01)
