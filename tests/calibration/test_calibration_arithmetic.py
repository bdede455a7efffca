"""The pure parts of calibration: summaries, fits, the choice of threads, warnings, the plan."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calibration.bench_local import repeat
from calibration.plan import FULL, QUICK, Sampling, thread_counts
from calibration.statistics import line, pick_threads, slope_through_origin, summary
from calibration.verdict import warnings
from offload_sdk._profile import Timing

pytestmark = pytest.mark.light
# An emulated or busy machine is slow; that says nothing about the arithmetic.
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

times = st.floats(1e-6, 10.0)


def timing(median_s: float, p90_s: float | None = None) -> Timing:
    return Timing(samples=10, median_s=median_s, p90_s=p90_s or median_s, sd_s=0.0)


def test_summary_of_known_samples() -> None:
    figures = summary([0.003, 0.001, 0.002, 0.004, 0.010, 0.005, 0.006, 0.007, 0.008, 0.009])
    assert (figures.samples, figures.median_s, figures.p90_s) == (10, 0.0055, 0.009)
    assert figures.sd_s == pytest.approx(0.00302765)


def test_summary_of_one_sample_has_no_spread() -> None:
    assert summary([0.5]) == Timing(samples=1, median_s=0.5, p90_s=0.5, sd_s=0.0)


def test_summary_of_nothing() -> None:
    with pytest.raises(ValueError, match="no samples"):
        summary([])


@relaxed
@given(st.lists(times, min_size=1))
def test_summary_is_ordered(samples: list[float]) -> None:
    figures = summary(samples)
    assert min(samples) <= figures.median_s <= figures.p90_s <= max(samples)


@relaxed
@given(st.floats(1e-10, 1e-6), st.lists(st.integers(1, 10**7), min_size=1, max_size=6))
def test_an_exact_slope_is_found(slope: float, sizes: list[int]) -> None:
    assert slope_through_origin([(float(n), slope * n) for n in sizes]) == pytest.approx(slope)


@relaxed
@given(st.lists(st.tuples(st.floats(1e3, 1e8), times), min_size=1, max_size=6))
def test_the_slope_lies_within_what_was_seen(points: list[tuple[float, float]]) -> None:
    slopes = [y / x for x, y in points]
    assert min(slopes) * (1 - 1e-9) <= slope_through_origin(points) <= max(slopes) * (1 + 1e-9)


def test_the_slope_leaves_no_better_one() -> None:
    points = [(3e5, 0.004), (2e6, 0.012), (8e6, 0.030)]
    best = slope_through_origin(points)

    def error(slope: float) -> float:
        return sum(((y - slope * x) / y) ** 2 for x, y in points)

    assert error(best) < min(error(best * 0.99), error(best * 1.01))


@relaxed
@given(st.floats(0.001, 1.0), st.floats(1e-8, 1e-4))
def test_a_line_gives_back_round_trip_and_rate(rtt_s: float, s_per_byte: float) -> None:
    points = [(float(n), rtt_s + n * s_per_byte) for n in (120, 4_000, 16_000, 65_000)]
    intercept, slope = line(points)
    assert intercept == pytest.approx(rtt_s, rel=1e-6)
    assert slope == pytest.approx(s_per_byte, rel=1e-6)


@pytest.mark.parametrize(
    ("medians_s", "expected"),
    [
        ({1: 0.040, 2: 0.022, 4: 0.013}, 4),
        ({1: 0.040, 2: 0.022, 4: 0.0215}, 2),  # two more threads gain 2 %
        ({1: 0.010, 2: 0.012}, 1),
        ({1: 0.0100, 2: 0.0096}, 1),
        ({2: 0.010}, 2),
    ],
)
def test_threads_must_earn_their_keep(medians_s: dict[int, float], expected: int) -> None:
    assert pick_threads({n: timing(s) for n, s in medians_s.items()}) == expected


def found(**changes: object) -> tuple[str, ...]:
    calm = {
        "infer": timing(0.010, 0.011),
        "governor": "ondemand",
        "driver": "cpufreq-dt",
        "throttled": False,
        "temperature_before_c": 55.0,
        "load_frac": 0.02,
    }
    return warnings(**{**calm, **changes})  # type: ignore[arg-type]


def test_a_calm_board_has_no_warnings() -> None:
    assert found() == ()
    assert found(governor=None, driver=None, throttled=None, temperature_before_c=None, load_frac=None) == ()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"throttled": True}, "throttled"),
        ({"governor": "powersave"}, "governor"),
        ({"infer": timing(0.010, 0.0151)}, "noisy"),
        ({"temperature_before_c": 80.5}, "80 °C"),
        ({"load_frac": 0.35}, "35%"),
    ],
)
def test_each_trouble_is_one_sentence(changes: dict[str, object], word: str) -> None:
    (sentence,) = found(**changes)
    assert word in sentence


def test_powersave_of_intel_is_the_ordinary_governor() -> None:
    assert found(governor="powersave", driver="intel_pstate") == ()


@pytest.mark.parametrize(
    ("cores", "every", "expected"),
    [
        (1, True, (1,)),
        (2, True, (1, 2)),
        (4, True, (1, 2, 3, 4)),
        (4, False, (1, 2, 4)),
        (6, True, (1, 2, 3, 4, 6)),
        (64, False, (1, 2, 4, 8, 16)),
    ],
)
def test_thread_counts(cores: int, every: bool, expected: tuple[int, ...]) -> None:
    assert thread_counts(cores, every=every) == expected


def test_the_quick_plan_is_smaller_in_every_way_and_says_so() -> None:
    assert FULL.sizes.keys() == QUICK.sizes.keys()
    for small, large in (
        (QUICK.picture, FULL.picture),
        (QUICK.infer, FULL.infer),
        (QUICK.warm_up, FULL.warm_up),
    ):
        assert small.budget_s < large.budget_s
        assert small.least <= large.least
    assert QUICK.pings < FULL.pings
    assert "quick" in " ".join(QUICK.notes)
    assert "quick" not in " ".join(FULL.notes)
    assert all("synthetic" in " ".join(plan.notes) for plan in (FULL, QUICK))


@relaxed
@given(st.integers(1, 5), st.integers(5, 50), st.floats(0.0, 5.0), st.floats(0.01, 2.0))
def test_sampling_keeps_to_its_bounds(least: int, most: int, budget_s: float, lasts_s: float) -> None:
    now = [0.0]

    def run() -> float:
        now[0] += lasts_s
        return lasts_s

    samples = repeat(run, Sampling(least=least, most=most, budget_s=budget_s), clock=lambda: now[0])
    assert least <= len(samples) <= most
    assert len(samples) <= max(least, math.ceil(budget_s / lasts_s) + 1)
