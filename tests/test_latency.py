"""`Latency`, the law that every prediction is: quantile, probability, moments and points fit together."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offload_sdk._latency import Latency, Mode

pytestmark = pytest.mark.light
means = st.floats(1e-6, 1e4)
spreads = st.floats(0.0, 5.0)


@st.composite
def mixtures(draw: st.DrawFn, most_sd: float = 2.0) -> Latency:
    """One to four modes, far apart or on top of each other, some all but certain, some all but impossible."""
    raw = draw(st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=4))
    modes = tuple(
        Mode(weight / sum(raw), draw(st.floats(-9.0, 5.0)), draw(st.just(0.0) | st.floats(1e-3, most_sd)))
        for weight in raw
    )
    return Latency.mixed(draw(st.just(0.0) | st.floats(1e-6, 1.0)), modes)


@st.composite
def latencies(draw: st.DrawFn) -> Latency:
    """Either of the two kinds."""
    mean_s = draw(means)
    return draw(st.just(Latency(mean_s=mean_s, sd_s=mean_s * draw(spreads))) | mixtures())


LINK = Latency.mixed(
    0.012,
    (
        Mode(0.70, math.log(0.050), 0.15),
        Mode(0.25, math.log(0.080), 0.60),
        Mode(0.05, math.log(0.500), 0.80),
    ),
)


def drawn(latency: Latency, count: int, seed: int = 2) -> list[float]:
    """Return times drawn from the law by its definition."""
    rng = random.Random(seed)
    modes = latency.modes or (Mode(1.0, *latency._log_moments()),)
    chosen = rng.choices(modes, weights=[mode.weight for mode in modes], k=count)
    return [latency.offset_s + rng.lognormvariate(mode.log_median, mode.log_sd) for mode in chosen]


# Quantile and probability


@given(latency=latencies(), share=st.floats(0.001, 0.999))
@settings(deadline=None)
def test_the_quantile_is_the_inverse_of_the_probability(latency: Latency, share: float) -> None:
    quantile_s = latency.quantile_s(share)
    # A law may hold all of its weight at one point: then the probability jumps over the share there.
    assert latency.probability_within(quantile_s * (1.0 - 1e-3)) <= share + 1e-4
    assert latency.probability_within(quantile_s * (1.0 + 1e-3)) >= share - 1e-4


@given(latency=latencies())
@settings(deadline=None)
def test_the_p90_is_a_quantile_and_quantiles_ascend(latency: Latency) -> None:
    assert latency.p90_s == pytest.approx(latency.quantile_s(0.9), rel=1e-6)
    quantiles = [latency.quantile_s(share) for share in (1e-9, 0.01, 0.1, 0.5, 0.9, 0.99, 1.0 - 1e-9)]
    assert all(b >= a * (1.0 - 1e-6) for a, b in pairwise(quantiles))
    assert quantiles[0] > 0.0
    assert quantiles[-1] < math.inf


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 1.1, math.nan])
def test_there_is_no_quantile_of_nothing_or_all(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        LINK.quantile_s(share)


@pytest.mark.parametrize(
    ("share", "z"),
    [(0.5, 0.0), (0.841344746, 1.0), (0.9772498681, 2.0), (1e-6, -4.753424), (1.0 - 1e-12, 7.034484)],
)
def test_quantiles_of_one_bell_are_those_of_the_tables(share: float, z: float) -> None:
    bell = Latency.mixed(0.0, (Mode(1.0, 0.0, 1.0),))
    assert math.log(bell.quantile_s(share)) == pytest.approx(z, abs=2e-5)


@given(latency=latencies(), limits=st.lists(st.floats(0.0, 1e6), min_size=2, max_size=8))
@settings(deadline=None)
def test_the_probability_rises_with_the_limit_from_none_to_all(latency: Latency, limits: list[float]) -> None:
    chances = [latency.probability_within(limit_s) for limit_s in sorted(limits)]
    assert all(b >= a - 1e-12 for a, b in pairwise(chances))
    assert all(0.0 <= chance <= 1.0 + 1e-9 for chance in chances)
    assert latency.probability_within(latency.offset_s) == latency.probability_within(-1.0) == 0.0
    assert latency.probability_within(math.inf) == pytest.approx(1.0)


# Moments


@pytest.mark.parametrize("latency", [LINK, Latency(mean_s=0.3, sd_s=0.2)], ids=["mixture", "one bell"])
def test_moments_and_probabilities_are_those_of_what_is_drawn(latency: Latency) -> None:
    times = drawn(latency, 60_000)
    mean_s = sum(times) / len(times)
    assert mean_s == pytest.approx(latency.mean_s, rel=0.03)
    assert math.sqrt(sum((x - mean_s) ** 2 for x in times) / len(times)) == pytest.approx(latency.sd_s, rel=0.1)
    for share in (0.1, 0.5, 0.9, 0.98):
        assert sum(x <= latency.quantile_s(share) for x in times) / len(times) == pytest.approx(share, abs=0.006)
    limit_s = 0.8 * latency.mean_s
    within = sum(x <= limit_s for x in times) / len(times)
    assert within == pytest.approx(latency.probability_within(limit_s), abs=0.006)


@given(mean_s=means, spread=st.floats(1e-3, 3.0), limit=st.floats(0.05, 20.0))
@settings(deadline=None)
def test_a_law_of_one_mode_is_the_log_normal_of_its_moments(mean_s: float, spread: float, limit: float) -> None:
    plain = Latency(mean_s=mean_s, sd_s=spread * mean_s)
    mixed = Latency.mixed(0.0, (Mode(1.0, *plain._log_moments()),))
    assert (mixed.mean_s, mixed.sd_s) == pytest.approx((plain.mean_s, plain.sd_s), rel=1e-6)
    assert mixed.p90_s == pytest.approx(plain.p90_s, rel=1e-6)
    limit_s = limit * mean_s
    assert mixed.probability_within(limit_s) == pytest.approx(plain.probability_within(limit_s), abs=1e-9)
    for ours, theirs in zip(mixed.points(), plain.points(), strict=True):
        assert ours == pytest.approx(theirs)


@given(latency=mixtures(), parts=st.floats(0.01, 0.99))
@settings(deadline=None)
def test_a_mode_told_in_two_halves_is_the_same_law(latency: Latency, parts: float) -> None:
    first, *rest = latency.modes
    halves = (first._replace(weight=first.weight * parts), first._replace(weight=first.weight * (1.0 - parts)))
    split = Latency.mixed(latency.offset_s, (*halves, *rest))
    assert split.mean_s == pytest.approx(latency.mean_s)
    assert split.sd_s == pytest.approx(latency.sd_s, rel=1e-6, abs=1e-6 * latency.mean_s)
    assert split.probability_within(latency.quantile_s(0.7)) == pytest.approx(
        latency.probability_within(latency.quantile_s(0.7)), abs=1e-9
    )


# The points


@given(latency=latencies())
@settings(deadline=None)
def test_points_ascend_and_their_probabilities_add_up_to_one(latency: Latency) -> None:
    times, shares = zip(*latency.points(), strict=True)
    assert list(times) == sorted(times)
    assert times[0] > 0.0
    assert sum(shares) == pytest.approx(1.0)
    assert min(shares) > 0.0


@given(latency=mixtures(most_sd=0.5))
@settings(deadline=None)
def test_points_have_the_mean_of_the_law(latency: Latency) -> None:
    """Within 2 %: each stands for a range by its middle, at a spread of up to a half (log sd 0.5)."""
    mean_s = sum(time_s * share for time_s, share in latency.points())
    assert mean_s == pytest.approx(latency.mean_s, rel=0.02)


def test_points_follow_the_probability() -> None:
    points = LINK.points()
    below = 0.0
    for time_s, share in points:
        assert below + 0.5 * share == pytest.approx(LINK.probability_within(time_s), abs=0.06)
        below += share


# Queues and units


@given(latency=latencies(), wait_s=st.floats(0.0, 10.0))
@settings(deadline=None)
def test_a_wait_is_added_and_changes_no_spread(latency: Latency, wait_s: float) -> None:
    behind = latency.after(wait_s)
    assert behind.mean_s == pytest.approx(latency.mean_s + wait_s)
    assert behind.sd_s == latency.sd_s
    if latency.modes:
        for share in (0.1, 0.5, 0.9):
            assert behind.quantile_s(share) == pytest.approx(latency.quantile_s(share) + wait_s)
        assert behind.probability_within(wait_s) == 0.0


@given(latency=latencies(), factor=st.floats(1e-3, 1e3))
@settings(deadline=None)
def test_the_unit_of_time_does_not_matter(latency: Latency, factor: float) -> None:
    other = latency.times(factor)
    assert (other.mean_s, other.sd_s) == pytest.approx((latency.mean_s * factor, latency.sd_s * factor))
    for share in (0.1, 0.5, 0.9):
        assert other.quantile_s(share) == pytest.approx(latency.quantile_s(share) * factor, rel=1e-5)
    limit_s = 1.1 * latency.mean_s  # a little off what holds its weight at one point
    assert other.probability_within(limit_s * factor) == pytest.approx(
        latency.probability_within(limit_s), abs=1e-6
    )


# Extremes


def test_without_spread_it_is_a_fixed_time() -> None:
    for sd_s in (0.0, 1e-305):
        fixed = Latency(mean_s=0.2, sd_s=sd_s)
        assert fixed.p90_s == pytest.approx(0.2)
        assert fixed.probability_within(0.2) == 1.0
        assert fixed.probability_within(0.1999) == 0.0
    assert Latency(mean_s=0.2, sd_s=0.0).points() == [(0.2, 1.0)]


def test_modes_without_spread_are_fixed_times() -> None:
    coin = Latency.mixed(0.01, (Mode(0.5, math.log(0.1), 0.0), Mode(0.5, math.log(0.3), 0.0)))
    assert (coin.mean_s, coin.sd_s) == pytest.approx((0.21, 0.1))
    assert coin.probability_within(0.2) == 0.5
    assert coin.quantile_s(0.3) == pytest.approx(0.11, rel=1e-3)
    assert coin.quantile_s(0.7) == pytest.approx(0.31, rel=1e-3)


@pytest.mark.parametrize("mean_s", [0.0, 1e-12, 1e9])
@pytest.mark.parametrize("spread", [0.0, 1e-9, 10.0, 1e4])
def test_extreme_moments_give_finite_answers(mean_s: float, spread: float) -> None:
    latency = Latency(mean_s=mean_s, sd_s=spread * mean_s)
    for value in (latency.p90_s, latency.quantile_s(1e-9), latency.quantile_s(1.0 - 1e-9)):
        assert 0.0 <= value < math.inf
    assert sum(share for _, share in latency.points()) == pytest.approx(1.0)
    assert latency.probability_within(1e-300) in (0.0, pytest.approx(0.0, abs=1e-3), 1.0)
    assert latency.probability_within(math.inf) == 1.0
