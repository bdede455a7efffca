"""The hedge: when the device starts too, against a search over all starts; and the budget that prices it."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from dataclasses import replace
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from situations import estimate

from offload_sdk._latency import Latency, Mode
from offload_sdk._types import Estimate
from offload_sdk.decide.budget import DuplicateBudget
from offload_sdk.decide.hedge import Hedge, best_hedge

pytestmark = pytest.mark.light
PROBABILITY = 0.9
DRAWS = 2000


@st.composite
def laws(draw: st.DrawFn) -> Latency:
    """What a link may be like: one bell, or a mixture with a tail."""
    if draw(st.booleans()):
        mean_s = draw(st.floats(0.005, 1.0))
        return Latency(mean_s=mean_s, sd_s=mean_s * draw(st.floats(0.0, 1.0)))
    raw = draw(st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=4))
    return Latency.mixed(
        draw(st.floats(0.0, 0.05)),
        tuple(
            Mode(weight / sum(raw), math.log(draw(st.floats(0.01, 0.5))), draw(st.floats(0.02, 1.2)))
            for weight in raw
        ),
    )


def remote(latency: Latency, success: float = 1.0) -> Estimate:
    return replace(estimate("edge", success=success), latency=latency)


def local(compute_s: float = 0.08, wait_s: float = 0.0, sd_s: float = 0.0) -> Estimate:
    return estimate("local", compute_s, sd_s=sd_s).after(wait_s)


def hedge_of(remote_: Estimate, local_: Estimate, price_s: float = 0.02, deadline_s: float | None = None) -> Hedge:
    return best_hedge(remote_, local_, price_s, deadline_s, PROBABILITY)


class World:
    """A remote law as many equally likely times: what a start of the device really comes to."""

    def __init__(self, remote_: Estimate, compute_s: float, wait_s: float) -> None:
        self.times = [remote_.latency.quantile_s((i + 0.5) / DRAWS) for i in range(DRAWS)]
        self._sums = [0.0, *accumulate(self.times)]
        self._works, self._mean_s = remote_.success_probability, remote_.latency.mean_s
        self._compute_s, self._wait_s = compute_s, wait_s

    def mean_both(self, after_s: float) -> tuple[float, float]:
        """Return the mean time until an answer, and the share of images that both sides work on."""
        begins_s = max(after_s, self._wait_s)
        ends_s = begins_s + self._compute_s
        place = bisect_right(self.times, ends_s)
        answered_s = (self._sums[place] + ends_s * (DRAWS - place)) / DRAWS
        both = 1.0 - bisect_right(self.times, begins_s) / DRAWS
        failed_s = max(min(begins_s, self._mean_s), self._wait_s) + self._compute_s
        return self._works * answered_s + (1.0 - self._works) * failed_s, self._works * both

    def cost_s(self, after_s: float, price_s: float) -> float:
        mean_s, both = self.mean_both(after_s)
        return mean_s + price_s * both

    def least_s(self, price_s: float) -> float:
        starts = (0.0, *self.times[:: DRAWS // 200], 2.0 * self.times[-1])
        return min(self.cost_s(start_s, price_s) for start_s in starts)


@given(
    latency=laws(),
    compute_s=st.floats(0.005, 0.4),
    wait_s=st.just(0.0) | st.floats(0.0, 0.4),
    success=st.sampled_from((1.0, 1.0, 0.95, 0.5)),
    price_s=st.sampled_from((0.0, 0.005, 0.03, 0.1, 0.5)),
)
@settings(max_examples=60, deadline=None)
def test_no_start_costs_much_less(latency, compute_s, wait_s, success, price_s) -> None:
    """A dozen points stand for a mode, five for a light one: times are good to percents, P(both) to a tenth."""
    offered = remote(latency, success)
    hedge = hedge_of(offered, local(compute_s, wait_s), price_s)
    world = World(offered, compute_s, wait_s)
    assert world.cost_s(hedge.after_s, price_s) <= 1.05 * world.least_s(price_s) + 0.03 * price_s
    mean_s, both = world.mean_both(hedge.after_s)
    assert hedge.mean_s == pytest.approx(mean_s, rel=0.1)
    assert hedge.both == pytest.approx(both, abs=0.12)


def test_mean_and_chance_of_both_are_those_of_what_is_drawn() -> None:
    rng = random.Random(6)
    modes = (Mode(0.8, math.log(0.05), 0.2), Mode(0.15, math.log(0.1), 0.6), Mode(0.05, math.log(0.6), 1.0))
    offered = remote(Latency.mixed(0.01, modes), success=0.95)
    hedge = hedge_of(offered, local(0.08), 0.03)
    assert 0.03 < hedge.after_s < 0.3
    times, duplicates = [], 0
    for _ in range(40_000):
        mode = rng.choices(modes, weights=[each.weight for each in modes])[0]
        answer_s = 0.01 + rng.lognormvariate(mode.log_median, mode.log_sd)
        if rng.random() < 0.95:
            times.append(min(answer_s, hedge.after_s + 0.08))
            duplicates += answer_s > hedge.after_s
        else:  # noticed when an answer would have come on average, at the latest as the device begins
            times.append(min(hedge.after_s, offered.latency.mean_s) + 0.08)
    assert hedge.mean_s == pytest.approx(sum(times) / len(times), rel=0.03)
    assert hedge.both == pytest.approx(duplicates / len(times), abs=0.04)


# Prices


@given(latency=laws(), compute_s=st.floats(0.005, 0.4))
@settings(max_examples=40, deadline=None)
def test_duplicates_for_nothing_are_as_good_as_a_race(latency: Latency, compute_s: float) -> None:
    hedge = hedge_of(remote(latency), local(compute_s), 0.0)
    world = World(remote(latency), compute_s, 0.0)
    assert world.mean_both(hedge.after_s)[0] <= 1.001 * world.mean_both(0.0)[0]


@given(latency=laws(), compute_s=st.floats(0.005, 0.4))
@settings(max_examples=40, deadline=None)
def test_the_dearer_duplicates_are_the_fewer_and_later_they_come(latency: Latency, compute_s: float) -> None:
    hedges = [hedge_of(remote(latency), local(compute_s), price_s) for price_s in (0.0, 0.01, 0.1, 1.0, 1e6)]
    for cheap, dear in pairwise(hedges):
        assert dear.both <= cheap.both + 1e-9
        assert dear.after_s >= cheap.after_s
        assert dear.mean_s >= cheap.mean_s - 1e-9
    assert hedges[-1].both == pytest.approx(0.0, abs=1e-9)
    assert hedges[-1].after_s >= latency.quantile_s(0.95)


def test_a_certain_answer_needs_no_second_side() -> None:
    sure = remote(Latency(mean_s=0.05, sd_s=0.0))
    hedge = hedge_of(sure, local(0.2), 0.01)
    assert (hedge.both, hedge.mean_s) == (0.0, pytest.approx(0.05))
    assert hedge.after_s > 0.05


def test_a_bimodal_link_is_given_the_time_of_its_quick_half() -> None:
    coin = remote(Latency.mixed(0.0, (Mode(0.5, math.log(0.03), 0.02), Mode(0.5, math.log(1.0), 0.02))))
    hedge = hedge_of(coin, local(0.1), 0.05)
    assert 0.03 < hedge.after_s < 0.04
    assert hedge.both == pytest.approx(0.5)


# Failures


def test_the_rarer_the_remote_side_works_the_less_it_gains_and_duplicates() -> None:
    hedges = [
        hedge_of(remote(Latency(mean_s=0.05, sd_s=0.03), success), local(0.1)) for success in (1.0, 0.7, 0.3, 0.0)
    ]
    for more, less in pairwise(hedges):
        assert less.mean_s > more.mean_s
        assert less.gain_s < more.gain_s
    assert (hedges[-1].gain_s, hedges[-1].both) == (0.0, 0.0)


@given(latency=laws(), wait_s=st.floats(0.0, 1.0), success=st.floats(0.0, 1.0))
@settings(max_examples=40, deadline=None)
def test_no_answer_of_a_busy_device_comes_before_its_queue_is_done(latency, wait_s, success) -> None:
    """A link that fails for certain leaves the device, which has its own images to do first."""
    hedge = hedge_of(remote(latency, success), local(0.1, wait_s))
    assert hedge.mean_s >= (1.0 - success) * (wait_s + 0.1) - 1e-9
    assert hedge.after_s == 0.0 or hedge.after_s > wait_s


# Queues


def test_a_busy_device_duplicates_only_what_is_open_when_it_begins() -> None:
    edge = remote(Latency(mean_s=0.05, sd_s=0.03))
    free, busy = hedge_of(edge, local(0.02), 0.001), hedge_of(edge, local(0.02, wait_s=0.07), 0.001)
    assert free.after_s == 0.0
    assert free.both == pytest.approx(1.0)
    # It may be put in the queue at once: four of five answers come before its turn does.
    assert busy.after_s == 0.0
    assert busy.both == pytest.approx(1.0 - edge.latency.probability_within(0.07), abs=0.06)
    assert busy.mean_s > free.mean_s


@given(latency=laws(), compute_s=st.floats(0.005, 0.4), wait_s=st.floats(0.0, 0.4))
@settings(max_examples=40, deadline=None)
def test_what_is_gained_is_the_time_that_the_remote_side_saves(latency, compute_s, wait_s) -> None:
    hedge = hedge_of(remote(latency), local(compute_s, wait_s))
    world = World(remote(latency), compute_s, wait_s)
    alone_s = wait_s + compute_s
    gain_s = sum(max(alone_s - time_s, 0.0) for time_s in world.times) / DRAWS
    assert hedge.gain_s == pytest.approx(gain_s, rel=0.15, abs=0.02 * alone_s)


# Deadlines

EDGE = remote(Latency(mean_s=0.08, sd_s=0.06))
DEVICE = local(0.08, sd_s=0.008)


def test_a_deadline_brings_the_start_forward() -> None:
    starts = []
    for deadline_s in (0.14, 0.13, 0.12):
        hedge = hedge_of(EDGE, DEVICE, 10.0, deadline_s)
        assert hedge.in_time >= PROBABILITY > EDGE.latency.probability_within(deadline_s)
        starts.append(hedge.after_s)
    assert hedge_of(EDGE, DEVICE, 10.0).after_s > starts[0] > starts[1] > starts[2] > 0.0


def test_a_deadline_far_away_changes_nothing() -> None:
    assert hedge_of(EDGE, DEVICE, 0.03, 60.0)[:3] == hedge_of(EDGE, DEVICE, 0.03)[:3]


def test_a_deadline_that_nothing_keeps_starts_both_at_once() -> None:
    hedge = hedge_of(EDGE, DEVICE, 0.5, 0.03)
    assert hedge.after_s == 0.0
    assert hedge.in_time == pytest.approx(EDGE.latency.probability_within(0.03))


@given(
    latency=laws(),
    success=st.floats(0.0, 1.0),
    compute_s=st.floats(0.005, 0.4),
    spread=st.just(0.0) | st.floats(0.01, 0.5),
    wait_s=st.just(0.0) | st.floats(0.0, 0.4),
    price_s=st.sampled_from((0.0, 0.03, 0.5)),
    deadline_s=st.floats(0.01, 1.0),
    least=st.sampled_from((0.0, 0.5, 0.9, 0.99, 1.0)),
)
@settings(max_examples=100, deadline=None)
def test_a_deadline_is_kept_if_any_start_keeps_it(
    latency, success, compute_s, spread, wait_s, price_s, deadline_s, least
) -> None:
    """`in_time` is P(one of two independent sides is in time); the earlier the device starts, the likelier."""
    edge, device = remote(latency, success), local(compute_s, wait_s, sd_s=spread * compute_s)
    hedge = best_hedge(edge, device, price_s, deadline_s, least)

    def chance(after_s: float) -> float:
        begins_s = max(after_s - wait_s, 0.0)
        late = 1.0 - success * latency.probability_within(deadline_s)
        return 1.0 - late * (1.0 - device.latency.probability_within(deadline_s - begins_s))

    assert hedge.in_time == pytest.approx(chance(hedge.after_s), abs=1e-9)
    if chance(0.0) >= least + 1e-5:
        assert hedge.in_time >= least
    elif chance(0.0) < least - 1e-5:
        assert hedge.after_s == 0.0


# The budget


def steered(budget: DuplicateBudget, seed: int, images: int = 20_000) -> tuple[list[bool], list[float]]:
    """Let the price decide: an image is hedged if what it would gain, in the device's time, exceeds it.

    The weather changes every 500 images: in a storm most images would gain much, in a calm few and little.
    """
    rng, hedged, prices = random.Random(seed), [], []
    for turn in range(images):
        storm = turn // 500 % 2
        price = budget.price_s(1.0)
        prices.append(price)
        gain = rng.expovariate(1.0 / (0.4 if storm else 0.15))
        hedged.append(budget.allows_any and gain > price)
        budget.image()
        if hedged[-1]:
            budget.duplicated()
    return hedged, prices


@pytest.mark.parametrize("frac", [0.02, 0.05, 0.1, 0.3, 0.6])
def test_the_share_of_duplicates_converges_to_the_budget(frac: float) -> None:
    shares = []
    for seed in range(3):
        hedged, prices = steered(DuplicateBudget(frac), seed)
        shares.append(sum(hedged) / len(hedged))
        assert min(prices) >= 0.0
    assert sum(shares) / len(shares) == pytest.approx(frac, rel=0.06, abs=0.004)


@pytest.mark.parametrize("frac", [0.05, 0.2])
def test_no_thousand_images_take_much_more_than_the_budget(frac: float) -> None:
    hedged, _ = steered(DuplicateBudget(frac), seed=1)
    sums = [0, *accumulate(hedged)]
    assert max(late - early for early, late in zip(sums, sums[1000:], strict=False)) <= (frac + 0.06) * 1000


def test_without_a_budget_nothing_is_allowed() -> None:
    assert not DuplicateBudget(0.0).allows_any
    assert DuplicateBudget(1e-6).allows_any


def test_the_price_is_in_the_device_s_own_time_and_bounded() -> None:
    budget = DuplicateBudget(0.1)
    assert budget.price_s(0.2) == pytest.approx(2.0 * budget.price_s(0.1))
    for _ in range(10_000):
        budget.duplicated()
    highest_s = budget.price_s(0.1)
    assert highest_s <= 1.0
    for _ in range(1_000_000 // 100):
        budget.image()
    assert budget.price_s(0.1) == pytest.approx(0.002), "two percent of the device's time"
