"""The affine filter: a fixed part and a slope told apart, how they age, and that no history breaks them."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offload_sdk.estimate.affine import AffineFilter

pytestmark = pytest.mark.light
UPLOAD_BYTES = 15_000
SIZES = (0, 300, 3_000, 10_000, 15_000, 40_000, 10**5, 10**6)


def fresh(drift_per_sqrt_s: float = 0.08) -> AffineFilter:
    return AffineFilter(0.06, 8e-7, drift_per_sqrt_s=drift_per_sqrt_s)


def mean_s(link: AffineFilter, size: float, now_s: float) -> float:
    return link.predict(size, now_s)[0]


@pytest.mark.parametrize(("fixed_s", "units_per_s"), [(0.005, 4e6), (0.05, 1e6), (0.2, 1e5), (0.6, 3e5)])
def test_it_tells_the_fixed_part_and_the_slope_apart(fixed_s: float, units_per_s: float) -> None:
    link, rng = fresh(), random.Random(1)
    for turn in range(200):
        size = rng.choice((300, 8_000, 16_000, 40_000))
        link.update(size, (fixed_s + size / units_per_s) * rng.uniform(0.97, 1.03), turn * 0.5)
    assert link.fixed_s == pytest.approx(fixed_s, rel=0.15)
    assert 1.0 / link.s_per_unit == pytest.approx(units_per_s, rel=0.15)
    assert link.samples == 200
    # And so it predicts sizes that it has never seen.
    assert mean_s(link, 100_000, 100.0) == pytest.approx(fixed_s + 100_000 / units_per_s, rel=0.2)


samples = st.lists(
    st.tuples(st.integers(0, 10**7), st.floats(0.0, 120.0), st.floats(-10.0, 600.0), st.booleans()), max_size=40
)


def taught(history: list[tuple[int, float, float, bool]]) -> tuple[AffineFilter, float]:
    link, now_s = fresh(), 0.0
    for size, seconds, pause_s, lost in history:
        now_s += pause_s
        link.update(size, seconds, now_s)
        if lost:
            link.loosen()
    return link, now_s


@given(history=samples, size=st.integers(0, 10**8), age_s=st.floats(0.0, 1e9))
@settings(max_examples=60, deadline=None)
def test_it_stays_finite_and_widens_with_age(history, size: int, age_s: float) -> None:
    link, now_s = taught(history)
    spreads = []
    for then_s in (now_s, now_s + age_s):
        mean, variance = link.predict(size, then_s)
        assert 0.0 < mean < 1e13
        assert 0.0 < variance < math.inf
        spreads.append(variance / (mean * mean))
    assert spreads[1] >= spreads[0] * (1 - 1e-9)


@given(history=samples, size=st.integers(0, 10**8), age_s=st.floats(0.0, 1e4))
@settings(max_examples=60, deadline=None)
def test_the_logarithms_are_those_of_the_same_law(history, size: int, age_s: float) -> None:
    link, now_s = taught(history)
    log_median, log_variance = link.log_moments(size, now_s + age_s)
    mean, variance = link.predict(size, now_s + age_s)
    assert math.exp(log_median + 0.5 * log_variance) == pytest.approx(mean)
    assert math.log1p(variance / (mean * mean)) == pytest.approx(log_variance)


@given(history=samples, age_s=st.floats(0.0, 1000.0))
@settings(max_examples=60, deadline=None)
def test_a_larger_size_never_takes_less_time(history, age_s: float) -> None:
    link, now_s = taught(history)
    means = [mean_s(link, size, now_s + age_s) for size in SIZES]
    assert all(b >= a - 1e-7 for a, b in pairwise(means)), means  # less than any clock shows


def test_same_sizes_with_pauses_do_not_make_small_ones_look_slow() -> None:
    """Equal samples tell only the sum of the two states apart; what they leave open must not tip over."""
    link = fresh()
    for turn in range(50):
        link.update(UPLOAD_BYTES, 0.072, turn * 300.0)
    means = [mean_s(link, size, 50 * 300.0) for size in (0, 1000, 5000, 15_000)]
    assert means == sorted(means)


def test_one_outlier_moves_it_little_and_a_change_moves_it_at_once() -> None:
    link, now_s = fresh(), 0.0
    for _ in range(40):
        now_s += 0.5
        link.update(UPLOAD_BYTES, 0.1, now_s)
    link.update(UPLOAD_BYTES, 5.0, now_s + 0.5)
    assert mean_s(link, UPLOAD_BYTES, now_s + 0.5) < 0.2
    for turn in range(2, 6):
        link.update(UPLOAD_BYTES, 0.5, now_s + 0.5 * turn)
    assert mean_s(link, UPLOAD_BYTES, now_s + 3.0) == pytest.approx(0.5, rel=0.25)


def test_the_more_drift_it_believes_in_the_more_a_sample_moves_it() -> None:
    moved = []
    for drift in (0.02, 0.1, 0.5):
        link = fresh(drift)
        for turn in range(40):
            link.update(UPLOAD_BYTES, 0.1, 0.5 * turn)
        link.update(UPLOAD_BYTES, 0.12, 20.0)
        moved.append(mean_s(link, UPLOAD_BYTES, 20.0))
    assert moved == sorted(moved)
    assert moved[-1] - moved[0] > 0.003


def test_when_loosened_the_next_sample_decides() -> None:
    tight, loose = fresh(), fresh()
    for turn in range(40):
        for link in (tight, loose):
            link.update(UPLOAD_BYTES, 0.1, 0.5 * turn)
    loose.loosen()
    for link in (tight, loose):
        link.update(UPLOAD_BYTES, 0.2, 20.0)
    assert mean_s(loose, UPLOAD_BYTES, 20.0) > 0.16
    assert mean_s(tight, UPLOAD_BYTES, 20.0) < 0.15
