"""The link filter: what it separates, how it ages, and how it does on recorded links."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import fmean, median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offload_sdk._types import Latency
from offload_sdk.estimate import LinkFilter
from offload_sdk.testing import LinkTrace

light = pytest.mark.light
UPLOAD_BYTES = 15_000


def fresh() -> LinkFilter:
    return LinkFilter(rtt_s=0.06, s_per_byte=8e-7)


def as_latency(link: LinkFilter, size_bytes: float, now_s: float) -> Latency:
    mean_s, variance = link.predict(size_bytes, now_s)
    return Latency(mean_s=mean_s, sd_s=math.sqrt(variance))


@light
@pytest.mark.parametrize(("rtt_s", "bytes_per_s"), [(0.005, 4e6), (0.05, 1e6), (0.2, 1e5), (0.6, 3e5)])
def test_it_tells_round_trip_and_rate_apart(rtt_s: float, bytes_per_s: float) -> None:
    link, rng = fresh(), random.Random(1)
    for turn in range(200):
        size = rng.choice((300, 8_000, 16_000, 40_000))
        link.update(size, (rtt_s + size / bytes_per_s) * rng.uniform(0.97, 1.03), turn * 0.5)
    assert link.rtt_s == pytest.approx(rtt_s, rel=0.15)
    assert 1.0 / link.s_per_byte == pytest.approx(bytes_per_s, rel=0.15)
    assert link.samples == 200
    # And so it predicts sizes that it has never seen.
    assert link.predict(100_000, 100.0)[0] == pytest.approx(rtt_s + 100_000 / bytes_per_s, rel=0.2)


@light
@given(
    samples=st.lists(
        st.tuples(st.integers(0, 10**7), st.floats(0.0, 120.0), st.floats(-10.0, 600.0)), max_size=40
    ),
    size=st.integers(0, 10**8),
    age_s=st.floats(0.0, 1e9),
)
@settings(max_examples=50, deadline=None)
def test_it_stays_finite_and_widens_with_age(samples, size, age_s) -> None:
    link, now_s = fresh(), 0.0
    for sent_bytes, seconds, pause_s in samples:
        now_s += pause_s
        link.update(sent_bytes, seconds, now_s)
    now = as_latency(link, size, now_s)
    later = as_latency(link, size, now_s + age_s)
    for latency in (now, later):
        assert 0.0 < latency.mean_s < math.inf
        assert 0.0 < latency.sd_s < math.inf
    assert later.sd_s / later.mean_s >= (now.sd_s / now.mean_s) * (1 - 1e-9)


@light
@given(
    samples=st.lists(
        st.tuples(st.integers(200, 200_000), st.floats(0.002, 10.0), st.floats(0.05, 200.0)), max_size=30
    ),
    age_s=st.floats(0.0, 1000.0),
)
@settings(max_examples=60, deadline=None)
def test_more_bytes_never_take_less_time(samples, age_s) -> None:
    link, now_s = fresh(), 0.0
    for size, seconds, pause_s in samples:
        now_s += pause_s
        link.update(size, seconds, now_s)
    means = [
        link.predict(size, now_s + age_s)[0] for size in (0, 300, 3_000, 10_000, 15_000, 40_000, 10**5, 10**6)
    ]
    assert all(b >= a * (1 - 1e-9) for a, b in pairwise(means)), means


@light
def test_same_sizes_with_pauses_do_not_make_small_requests_look_slow() -> None:
    """Equal samples tell only the sum of the two states apart; what they leave open must not tip over."""
    link = fresh()
    for turn in range(50):
        link.update(UPLOAD_BYTES, 0.072, turn * 300.0)
    means = [link.predict(size, 50 * 300.0)[0] for size in (0, 1000, 5000, 15_000)]
    assert means == sorted(means)


@light
def test_one_outlier_moves_it_little_and_a_change_moves_it_at_once() -> None:
    link, now_s = fresh(), 0.0
    for _ in range(40):
        now_s += 0.5
        link.update(UPLOAD_BYTES, 0.1, now_s)
    link.update(UPLOAD_BYTES, 5.0, now_s + 0.5)
    assert link.predict(UPLOAD_BYTES, now_s + 0.5)[0] < 0.2
    for turn in range(2, 6):
        link.update(UPLOAD_BYTES, 0.5, now_s + 0.5 * turn)
    assert link.predict(UPLOAD_BYTES, now_s + 3.0)[0] == pytest.approx(0.5, rel=0.25)


# Recorded links


def walk(trace: LinkTrace, duration_s: float) -> Iterator[tuple[float, Latency]]:
    """Two uploads of 15 KB a second, one after the other: each one's true time and the prediction before it."""
    link, now_s = fresh(), 0.0
    while now_s < duration_s:
        end_s = trace.finish_s(now_s, UPLOAD_BYTES) + trace.at(now_s).rtt_s
        yield end_s - now_s, as_latency(link, UPLOAD_BYTES, now_s)
        link.update(UPLOAD_BYTES, end_s - now_s, end_s)
        now_s = max(now_s + 0.5, end_s)


def traces(folder: Path, *patterns: str) -> list[Path]:
    found = [file for pattern in patterns for file in sorted(folder.glob(pattern)) if file.name != "index.csv"]
    assert found
    return found


def test_links_that_stay_put_for_seconds_are_predicted_to_two_percent(shared_data: Path) -> None:
    """Stationary between their samples, which are 3 to 25 s apart."""
    for file in traces(shared_data / "traces", "*_mecperf-*.csv", "5g_mtu-*.csv"):
        errors = [
            abs(predicted.mean_s - truth_s) / truth_s
            for truth_s, predicted in walk(LinkTrace.from_csv(file), 240.0)
        ]
        assert median(errors) <= 0.022, file.name


def test_nine_of_ten_uploads_stay_below_the_predicted_p90_on_recorded_links(shared_data: Path) -> None:
    within = []
    for file in traces(shared_data / "traces", "*.csv"):
        trace = LinkTrace.from_csv(file)
        mine = [truth_s <= predicted.p90_s for truth_s, predicted in walk(trace, max(trace.duration_s, 120.0))]
        assert fmean(mine) >= 0.75, file.name
        within += mine
    assert 0.8 <= fmean(within) <= 1.0


@given(
    st.lists(
        st.tuples(st.floats(200, 5_000_000), st.floats(0.0, 30.0), st.floats(0.0, 100.0), st.booleans()),
        min_size=1,
        max_size=60,
    )
)
def test_no_history_makes_a_prediction_senseless(history: list[tuple[float, float, float, bool]]) -> None:
    link, now_s = fresh(), 0.0
    for size_bytes, seconds, pause_s, lost in history:
        now_s += pause_s
        link.update(size_bytes, seconds, now_s)
        if lost:
            link.loosen()
        mean_s, variance = link.predict(size_bytes, now_s)
        assert 0.0 < mean_s < 1e9
        assert 0.0 <= variance < 1e20
