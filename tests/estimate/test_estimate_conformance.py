"""What holds for every estimator, local and remote."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest
from estimator_cases import CASES, DRAWING, FRAME, IDLE, PHOTO, Case, ask, teach
from hypothesis import given, settings
from hypothesis import strategies as st

from offload_sdk._types import Estimate, ImageInfo, Outcome, Snapshot
from offload_sdk.typing import Estimator

pytestmark = pytest.mark.light

every_estimator = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())

images = st.builds(
    ImageInfo,
    format=st.sampled_from(("JPEG", "PNG", "RGB", "TIFF")),
    width=st.integers(1, 8000),
    height=st.integers(1, 8000),
    encoded_bytes=st.none() | st.integers(1, 50_000_000),
)
snapshots = st.builds(
    Snapshot,
    taken_s=st.just(0.0),
    cpu_load_frac=st.none() | st.floats(0.0, 1.0),
    throttled=st.none() | st.booleans(),
    battery_frac=st.none() | st.floats(0.0, 1.0),
)
_seconds = st.floats(0.0, 60.0)
_timings = st.dictionaries(
    st.sampled_from(("wait", "decode", "encode", "preprocess", "infer", "connect", "network", "server")), _seconds
)
outcomes = st.builds(
    Outcome,
    option=st.just("edge"),
    path=st.just("remote"),
    status=st.sampled_from(("success", "ignored", "failed")),
    role=st.sampled_from(("answer", "fallback", "shadow", "probe")),
    started_s=st.floats(-100.0, 1e6),
    latency_s=_seconds,
    censored=st.booleans(),
    timings=_timings,
    cold=st.booleans(),
    sent_bytes=st.integers(0, 10_000_000),
)
lessons = st.lists(st.tuples(outcomes, st.none() | images, snapshots), max_size=12)


def check_sane(estimate: Estimate) -> None:
    latency = estimate.latency
    assert 0.0 < latency.mean_s < math.inf
    assert 0.0 <= latency.sd_s < math.inf
    assert 0.0 < latency.p90_s < math.inf
    assert all(0.0 <= part < math.inf for part in estimate.parts_s.values())
    assert sum(estimate.parts_s.values()) == pytest.approx(latency.mean_s)
    assert estimate.energy_j is None or 0.0 <= estimate.energy_j < math.inf
    assert 0.0 <= estimate.cost_usd < math.inf
    assert 0.0 < estimate.success_probability <= 1.0
    assert estimate.payload_bytes >= 0


@every_estimator
@given(lessons=lessons, image=images, snapshot=snapshots, now_s=st.floats(-1e6, 1e9))
@settings(max_examples=40, deadline=None)
def test_whatever_it_was_taught_it_predicts_something_finite_and_positive(
    case: Case, lessons, image: ImageInfo, snapshot: Snapshot, now_s: float
) -> None:
    estimator = case.make()
    for outcome, seen, then in lessons:
        estimator.update(outcome, seen, then)
        check_sane(estimator.estimate(image, snapshot, now_s))


@every_estimator
@given(lessons=lessons, image=images, times=st.lists(st.floats(0.0, 1e6), min_size=1, max_size=4))
@settings(max_examples=20, deadline=None)
def test_estimating_changes_nothing(case: Case, lessons, image: ImageInfo, times: list[float]) -> None:
    asked, quiet = case.make(), case.make()
    for outcome, seen, then in lessons:
        for now_s in times:
            asked.estimate(image, then, now_s)
        asked.update(outcome, seen, then)
        quiet.update(outcome, seen, then)
    for now_s in times:
        assert asked.estimate(image, IDLE, now_s) == quiet.estimate(image, IDLE, now_s)


@every_estimator
def test_an_ignored_outcome_changes_nothing(case: Case) -> None:
    estimator = case.make()
    now_s = teach(case, estimator, 0.2, start_s=0.0, count=5)
    before = ask(estimator, now_s)
    for total_s in (1e-4, 30.0):
        ignored = replace(case.outcome(total_s, now_s), status="ignored", error_kind="busy")
        estimator.update(ignored, PHOTO, IDLE)
        assert ask(estimator, now_s) == before


@every_estimator
def test_the_spread_grows_with_the_age_of_what_is_known(case: Case) -> None:
    estimator = case.make()
    now_s = teach(case, estimator, 0.2, start_s=0.0, count=20)
    laws = [ask(estimator, now_s + age_s).latency for age_s in (0.0, 1.0, 5.0, 20.0, 50.0)]
    # The range of the usual, not the standard deviation: a rare stall has most of that, fresh or not.
    fresh, *aged = [law.quantile_s(0.9) / law.quantile_s(0.1) for law in laws]
    assert min(aged) >= fresh
    if case.path == "remote":
        assert min(aged[1:]) > 1.2 * fresh


@every_estimator
@pytest.mark.parametrize("truth_s", [0.02, 0.2, 3.0])
def test_it_converges_to_a_stationary_truth(case: Case, truth_s: float) -> None:
    estimator, rng, now_s = case.make(), random.Random(3), 0.0
    for _ in range(60):
        now_s += 0.5
        estimator.update(case.outcome(truth_s * rng.uniform(0.95, 1.05), now_s), PHOTO, IDLE)
    latency = ask(estimator, now_s).latency
    assert latency.mean_s == pytest.approx(truth_s, rel=0.06)
    # Not the standard deviation, which for a quick link is that of the one stall in a thousand it reckons with.
    assert latency.quantile_s(0.9) - latency.quantile_s(0.1) < 0.5 * truth_s
    assert 0.98 * truth_s < latency.p90_s < 1.5 * truth_s


@every_estimator
@pytest.mark.parametrize("factor", [0.25, 4.0])
def test_it_follows_a_step(case: Case, factor: float) -> None:
    estimator = case.make()
    now_s = teach(case, estimator, 0.2, start_s=0.0, count=50)
    samples = 12 if case.path == "remote" else 25  # a processor changes less abruptly than a link
    now_s = teach(case, estimator, 0.2 * factor, start_s=now_s, count=samples)
    assert ask(estimator, now_s).latency.mean_s == pytest.approx(0.2 * factor, rel=0.3)


@every_estimator
def test_a_clock_that_goes_back_is_harmless(case: Case) -> None:
    estimator = case.make()
    teach(case, estimator, 0.2, start_s=1000.0, count=10)
    check_sane(ask(estimator, 0.0))
    now_s = teach(case, estimator, 0.1, start_s=0.0, count=40)
    check_sane(ask(estimator, -1e6))
    assert ask(estimator, now_s).latency.mean_s == pytest.approx(0.1, rel=0.15)


@every_estimator
def test_formats_are_learned_apart(case: Case) -> None:
    estimator = case.make()
    before = {image.format: ask(estimator, 0.0, image).parts_s["decode"] for image in (PHOTO, DRAWING, FRAME)}
    outcome = case.outcome(0.2, 1.0)
    for turn in range(20):
        slow = replace(outcome, started_s=float(turn), timings={**outcome.timings, "decode": 0.08})
        estimator.update(slow, PHOTO, IDLE)
    after = {image.format: ask(estimator, 20.0, image).parts_s["decode"] for image in (PHOTO, DRAWING, FRAME)}
    assert after["JPEG"] == pytest.approx(0.08, rel=0.1)
    assert (after["PNG"], after["RGB"]) == (before["PNG"], before["RGB"])


@every_estimator
def test_a_larger_picture_never_takes_less_time(case: Case) -> None:
    estimator: Estimator = case.make()
    teach(case, estimator, 0.2, start_s=0.0, count=10)
    means = [
        ask(
            estimator, 5.0, ImageInfo(format="JPEG", width=side, height=side, encoded_bytes=side * side)
        ).latency.mean_s
        for side in (64, 256, 640, 1500, 4000)
    ]
    assert means == sorted(means)
