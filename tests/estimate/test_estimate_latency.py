"""`Latency`, the distribution that every prediction is: its quantile and its probabilities fit together."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offload_sdk._types import Latency

pytestmark = pytest.mark.light
means = st.floats(1e-6, 1e4)
spreads = st.floats(0.0, 5.0)


@given(mean_s=means, spread=st.floats(1e-6, 5.0))
@settings(deadline=None)
def test_nine_tenths_lie_below_the_p90(mean_s: float, spread: float) -> None:
    latency = Latency(mean_s=mean_s, sd_s=spread * mean_s)
    assert latency.probability_within(latency.p90_s) == pytest.approx(0.9, abs=1e-6)


@given(mean_s=means, spread=spreads, limits=st.lists(st.floats(0.0, 1e6), min_size=2, max_size=8))
@settings(deadline=None)
def test_the_probability_rises_with_the_limit_from_none_to_all(mean_s, spread, limits) -> None:
    latency = Latency(mean_s=mean_s, sd_s=spread * mean_s)
    chances = [latency.probability_within(limit_s) for limit_s in sorted(limits)]
    assert chances == sorted(chances)
    assert all(0.0 <= chance <= 1.0 for chance in chances)
    assert latency.probability_within(0.0) == latency.probability_within(-1.0) == 0.0
    assert latency.probability_within(math.inf) == 1.0


@given(mean_s=means, spread=spreads, factor=st.floats(1e-3, 1e3))
@settings(deadline=None)
def test_the_unit_of_time_does_not_matter(mean_s: float, spread: float, factor: float) -> None:
    one = Latency(mean_s=mean_s, sd_s=spread * mean_s)
    other = Latency(mean_s=mean_s * factor, sd_s=spread * mean_s * factor)
    assert other.p90_s == pytest.approx(one.p90_s * factor, rel=1e-6)


def test_without_spread_it_is_a_fixed_time() -> None:
    for sd_s in (0.0, 1e-305):
        fixed = Latency(mean_s=0.2, sd_s=sd_s)
        assert fixed.p90_s == pytest.approx(0.2)
        assert fixed.probability_within(0.2) == 1.0
        assert fixed.probability_within(0.1999) == 0.0


def test_it_has_the_moments_that_it_is_given() -> None:
    latency, rng = Latency(mean_s=0.3, sd_s=0.2), random.Random(2)
    mu, sigma = latency._log_moments()
    drawn = [rng.lognormvariate(mu, sigma) for _ in range(40_000)]
    mean_s = sum(drawn) / len(drawn)
    assert mean_s == pytest.approx(0.3, rel=0.03)
    assert math.sqrt(sum((x - mean_s) ** 2 for x in drawn) / len(drawn)) == pytest.approx(0.2, rel=0.08)
    assert sum(x <= latency.p90_s for x in drawn) / len(drawn) == pytest.approx(0.9, abs=0.01)
    assert sum(x <= 0.25 for x in drawn) / len(drawn) == pytest.approx(latency.probability_within(0.25), abs=0.01)
