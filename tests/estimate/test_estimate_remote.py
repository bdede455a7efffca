"""The remote estimator: connections, failures, payload, money, energy."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from estimator_cases import (
    CASES,
    DRAWING,
    IDLE,
    PHOTO,
    PROFILE,
    SENT_BYTES,
    ask,
    decode_times,
    given_up,
    remote,
    remote_outcome,
    teach,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from offload_sdk._types import ImageInfo, Payload
from offload_sdk.estimate import Prices, RemoteEstimator

pytestmark = pytest.mark.light
REMOTE = CASES["remote"]
LARGE = Payload(side_px=256, quality=90, expected_bytes=1_000_000)


def taught(total_s: float = 0.2, count: int = 20) -> tuple[RemoteEstimator, float]:
    estimator = remote()
    return estimator, teach(REMOTE, estimator, total_s, start_s=0.0, count=count)


# Connections


def test_the_first_request_and_one_after_a_long_pause_are_cold() -> None:
    estimator = remote()
    assert ask(estimator, 0.0).parts_s["connect"] > 0.0
    estimator.update(remote_outcome(0.2, 10.0), PHOTO, IDLE)
    assert ask(estimator, 10.1).parts_s["connect"] == 0.0
    assert ask(estimator, 40.0).parts_s["connect"] == 0.0
    assert ask(estimator, 10.0 + 61.0).parts_s["connect"] > 0.0


def test_a_failure_makes_the_next_request_cold() -> None:
    estimator, now_s = taught()
    failed = replace(remote_outcome(0.2, now_s), status="failed", timings={}, error_kind="broken")
    estimator.update(failed, PHOTO, IDLE)
    assert ask(estimator, now_s).parts_s["connect"] > 0.0


def test_the_cost_of_a_connection_is_learned_apart_from_the_round_trip() -> None:
    estimator, now_s = taught()
    network_s = ask(estimator, now_s).parts_s["network"]
    for _ in range(15):
        now_s += 0.5
        outcome = remote_outcome(0.2, now_s)
        estimator.update(replace(outcome, cold=True, timings={**outcome.timings, "connect": 0.3}), PHOTO, IDLE)
    assert ask(estimator, now_s).parts_s["network"] == pytest.approx(network_s, rel=0.05)
    assert ask(estimator, now_s + 100.0).parts_s["connect"] == pytest.approx(0.3, rel=0.4)


def test_tls_takes_more_round_trips_than_tcp() -> None:
    plain, tls = remote(handshake_rtts=1.0), remote(handshake_rtts=2.0)
    assert ask(tls, 0.0).parts_s["connect"] == pytest.approx(2 * ask(plain, 0.0).parts_s["connect"])


# Failures


@given(waited_s=st.floats(0.001, 30.0), truth_s=st.floats(0.02, 2.0))
@settings(max_examples=60, deadline=None)
def test_an_attempt_that_was_given_up_raises_the_prediction_and_never_lowers_it(waited_s, truth_s) -> None:
    estimator, now_s = taught(truth_s)
    before = ask(estimator, now_s).parts_s["network"]
    estimator.update(given_up(remote_outcome(truth_s, now_s), waited_s), PHOTO, IDLE)
    after = ask(estimator, now_s).parts_s["network"]
    assert after >= before * (1.0 - 1e-9)
    if waited_s > 3.0 * truth_s:
        assert after > before * 1.05


def test_a_fast_failure_does_not_look_like_a_fast_link() -> None:
    estimator, now_s = taught()
    before = ask(estimator, now_s).parts_s["network"]
    refused = replace(
        remote_outcome(0.001, now_s), status="failed", timings={"network": 0.001}, error_kind="connect"
    )
    for _ in range(5):
        estimator.update(refused, PHOTO, IDLE)
    assert ask(estimator, now_s).parts_s["network"] >= before


@pytest.mark.parametrize("outage_s", [2.0, 60.0, 600.0])
def test_it_comes_back_from_an_outage(outage_s: float) -> None:
    estimator, now_s = taught(0.1)
    end_s = now_s + outage_s
    while now_s < end_s:
        now_s += 1.0
        estimator.update(given_up(remote_outcome(0.1, now_s), 1.0), PHOTO, IDLE)
    assert ask(estimator, now_s).success_probability < 0.9
    now_s = teach(REMOTE, estimator, 0.1, start_s=now_s, count=8)
    assert ask(estimator, now_s).latency.mean_s == pytest.approx(0.1, rel=0.35)
    assert ask(estimator, now_s + 300.0).success_probability > 0.7


def test_failures_lower_the_chance_of_success_and_fade() -> None:
    estimator, now_s = taught()
    chances = [ask(estimator, now_s).success_probability]
    for _ in range(6):
        now_s += 0.1
        estimator.update(given_up(remote_outcome(0.2, now_s), 0.5), PHOTO, IDLE)
        chances.append(ask(estimator, now_s).success_probability)
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.97
    assert chances[-1] < 0.75
    waiting = [ask(estimator, now_s + age_s).success_probability for age_s in (0.0, 30.0, 300.0, 3000.0)]
    assert waiting == sorted(waiting)
    assert waiting[-1] > 0.9


@pytest.mark.parametrize("factor", [0.2, 5.0])
def test_a_change_of_the_link_is_followed_within_four_requests(factor: float) -> None:
    estimator, now_s = taught()
    before = ask(estimator, now_s).parts_s["network"]
    for _ in range(4):
        now_s += 0.5
        outcome = remote_outcome(0.2, now_s)
        changed = {**outcome.timings, "network": before * factor}
        estimator.update(replace(outcome, timings=changed), PHOTO, IDLE)
    assert ask(estimator, now_s).parts_s["network"] == pytest.approx(before * factor, rel=0.3)


# Payload


@given(
    lessons=st.lists(
        st.tuples(st.floats(0.005, 5.0), st.integers(300, 200_000), st.floats(0.05, 120.0)), max_size=15
    ),
    sizes=st.lists(st.integers(1, 100_000), min_size=2, max_size=6),
    age_s=st.floats(0.0, 300.0),
)
@settings(max_examples=60, deadline=None)
def test_time_energy_and_money_are_monotone_in_the_payload(lessons, sizes, age_s) -> None:
    prices = Prices(usd_per_request=1e-6, usd_per_server_hour=0.5, usd_per_gb=0.09)
    estimator = RemoteEstimator("edge", PROFILE, decode_times(), prices=prices, payloads=(LARGE,))
    now_s = 0.0
    for total_s, sent_bytes, pause_s in lessons:
        now_s += pause_s
        outcome = replace(remote_outcome(total_s, now_s), sent_bytes=sent_bytes, role="probe")
        estimator.update(outcome, None, IDLE)
    estimates = [
        ask(estimator, now_s + age_s, ImageInfo(format="JPEG", width=640, height=480, encoded_bytes=size))
        for size in sorted(sizes)
    ]
    for smaller, larger in pairwise(estimates):
        assert larger.payload_bytes >= smaller.payload_bytes
        assert larger.latency_mean_s >= smaller.latency_mean_s * (1 - 1e-9)
        assert larger.cost_usd >= smaller.cost_usd


def test_the_payload_is_learned_from_uploads_but_not_from_probes() -> None:
    estimator, now_s = taught(count=40)
    assert ask(estimator, now_s).payload_bytes == pytest.approx(SENT_BYTES, rel=0.02)
    probe = replace(remote_outcome(0.05, now_s), role="probe", sent_bytes=300)
    for _ in range(20):
        estimator.update(probe, None, IDLE)
    assert ask(estimator, now_s).payload_bytes == pytest.approx(SENT_BYTES, rel=0.02)


def test_a_small_jpeg_is_expected_to_be_sent_as_it_is() -> None:
    estimator, now_s = taught()
    small = ImageInfo(format="JPEG", width=300, height=200, encoded_bytes=4000)
    assert 4000 <= ask(estimator, now_s, small).payload_bytes <= 5000
    assert ask(estimator, now_s, DRAWING).payload_bytes == pytest.approx(SENT_BYTES, rel=0.1)


# Money and energy


def test_money_is_request_plus_server_time_plus_bytes() -> None:
    prices = Prices(usd_per_request=2e-6, usd_per_server_hour=0.36, usd_per_gb=0.1)
    estimator = RemoteEstimator("edge", PROFILE, decode_times(), prices=prices)
    now_s = teach(REMOTE, estimator, 0.2, start_s=0.0, count=60)
    expected = 2e-6 + 0.36 * 0.04 / 3600 + 0.1 * SENT_BYTES / 1e9
    assert ask(estimator, now_s).cost_usd == pytest.approx(expected, rel=0.05)


def test_energy_is_unknown_while_a_power_is() -> None:
    for name in ("cpu_active_w", "radio_tx_w", "radio_wait_w"):
        estimator = RemoteEstimator("edge", replace(PROFILE, **{name: None}), decode_times(), prices=Prices())
        assert ask(estimator, 0.0).energy_j is None
        assert ask(estimator, 0.0).energy_source == "unknown"
    known = ask(remote(), 0.0)
    assert known.energy_j is not None
    assert known.energy_j > PROFILE.radio_wake_j


def test_a_profile_that_knows_the_link_starts_with_it() -> None:
    profile = replace(PROFILE, rtt_s=0.3, uplink_bytes_per_s=50_000.0)
    slow = RemoteEstimator("edge", profile, decode_times(), prices=Prices())
    assert ask(slow, 0.0).parts_s["network"] == pytest.approx(0.3 + SENT_BYTES / 50_000, rel=0.6)
    assert ask(slow, 0.0).latency.mean_s > 2 * ask(remote(), 0.0).latency.mean_s
