"""The local estimator and the slowdown by load and heat; moments; energy and money of finished outcomes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from estimator_cases import CASES, IDLE, PHOTO, PROFILE, ask, local, local_outcome, remote_outcome, teach
from hypothesis import given, settings
from hypothesis import strategies as st

from offload_sdk._types import Outcome, Snapshot
from offload_sdk.estimate import LocalEstimator, Prices, outcome_cost_usd, outcome_energy
from offload_sdk.estimate.moments import Moments
from offload_sdk.estimate.slowdown import slowdown

pytestmark = pytest.mark.light


def busy(load: float | None, throttled: bool | None = None) -> Snapshot:
    return Snapshot(taken_s=0.0, cpu_load_frac=load, throttled=throttled)


@given(
    loads=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8),
    threads=st.integers(1, 16),
    cores=st.integers(1, 16),
    throttled=st.none() | st.booleans(),
)
@settings(deadline=None)
def test_load_only_slows_and_more_load_slows_more(loads, threads, cores, throttled) -> None:
    factors = [
        slowdown(busy(load, throttled), threads=threads, cores=cores, throttled_factor=1.8)
        for load in sorted(loads)
    ]
    assert all(1.0 <= factor < 100.0 for factor in factors)
    assert all(b >= a * (1 - 1e-9) for a, b in pairwise(factors))


def test_slowdown_of_the_plain_cases() -> None:
    def factor(load, threads, cores, throttled=None):
        return slowdown(busy(load, throttled), threads=threads, cores=cores, throttled_factor=1.8)

    assert factor(None, 4, 4) == 1.0
    assert factor(0.0, 4, 4) == 1.0
    assert factor(0.5, 2, 4) == 1.0  # two cores are free, two are wanted
    assert factor(0.5, 4, 4) > 1.2
    assert factor(0.0, 1, 4, throttled=True) == pytest.approx(1.8)
    assert factor(None, 1, 4, throttled=None) == 1.0


def test_a_busy_device_is_predicted_slower_and_taught_no_wrong_idle_time() -> None:
    estimator = local()
    now_s = teach(CASES["local"], estimator, 0.1, start_s=0.0, count=40)
    idle = ask(estimator, now_s).parts_s["infer"]
    loaded = ask(estimator, now_s, snapshot=busy(1.0)).parts_s["infer"]
    assert loaded > 1.3 * idle
    for _ in range(40):  # now it really is that slow, and the load explains it
        outcome = local_outcome(0.1, now_s)
        slow = replace(outcome, timings={**outcome.timings, "infer": loaded})
        estimator.update(slow, PHOTO, busy(1.0))
    assert ask(estimator, now_s).parts_s["infer"] == pytest.approx(idle, rel=0.05)
    assert ask(estimator, now_s, snapshot=busy(1.0)).parts_s["infer"] == pytest.approx(loaded, rel=0.05)


def test_a_failed_run_teaches_nothing() -> None:
    estimator = local()
    before = ask(estimator, 0.0)
    estimator.update(replace(local_outcome(9.0, 1.0), status="failed"), PHOTO, IDLE)
    assert ask(estimator, 0.0) == before


def test_local_money_is_the_price_of_its_energy() -> None:
    estimator = LocalEstimator(PROFILE, CASES["local"].make()._decode, cores=4, usd_per_kwh=0.36)  # type: ignore[attr-defined]
    estimate = ask(estimator, 0.0)
    assert estimate.energy_j is not None
    assert estimate.cost_usd == pytest.approx(estimate.energy_j * 0.36 / 3.6e6)
    assert ask(local(), 0.0).cost_usd == 0.0


# Moments


def test_the_first_samples_are_averaged_and_later_ones_displace_the_past() -> None:
    moments = Moments(100.0, 10.0, gain=0.1)
    for value in (1.0, 2.0, 3.0):
        moments.add(value)
    assert moments.samples == 3
    assert moments.mean == pytest.approx((100.0 + 1.0 + 2.0 + 3.0) / 4)
    for _ in range(200):
        moments.add(5.0)
    assert moments.mean == pytest.approx(5.0)
    assert moments.variance < 0.01


@given(values=st.lists(st.floats(-1e6, 1e6), max_size=60), mean=st.floats(-1e6, 1e6), sd=st.floats(0.0, 1e3))
@settings(deadline=None)
def test_moments_stay_inside_what_was_seen(values, mean, sd) -> None:
    moments = Moments(mean, sd)
    for value in values:
        moments.add(value)
    low, high = min([mean, *values]), max([mean, *values])
    assert low - 1e-6 <= moments.mean <= high + 1e-6
    assert 0.0 <= moments.variance <= sd * sd + (high - low) ** 2


# What finished outcomes took


def test_the_energy_of_an_outcome_follows_from_its_own_timings() -> None:
    joules, source = outcome_energy(replace(PROFILE, cpu_power_source="modelled"), local_outcome(1.0, 1.0))
    # 0.85 s on two threads at 3 W; 0.15 s on one of the two cores at half of that.
    assert joules == pytest.approx(0.85 * 3.0 + 0.15 * 1.5)
    assert source == "modelled"
    short, long = (outcome_energy(PROFILE, remote_outcome(s, 1.0), 1e-6)[0] for s in (0.1, 1.0))
    assert short is not None
    assert long is not None
    assert PROFILE.radio_wake_j < short < long
    assert outcome_energy(replace(PROFILE, cpu_active_w=None), local_outcome(1.0, 1.0)) == (None, "unknown")


def test_sending_is_dearer_than_waiting() -> None:
    fast, slow = (outcome_energy(PROFILE, remote_outcome(1.0, 1.0), s_per_byte)[0] for s_per_byte in (1e-9, 5e-5))
    assert fast is not None
    assert slow is not None
    assert slow > fast


def test_the_money_of_an_outcome() -> None:
    prices = Prices(usd_per_request=1e-6, usd_per_server_hour=3.6, usd_per_gb=1.0)
    outcome = replace(remote_outcome(0.5, 1.0), energy_j=36.0)
    expected = 1e-6 + 3.6 * 0.1 / 3600 + (outcome.sent_bytes + outcome.received_bytes) / 1e9
    assert outcome_cost_usd(prices, outcome, outcome.energy_j) == pytest.approx(expected)
    assert outcome_cost_usd(prices, outcome, outcome.energy_j, usd_per_kwh=0.5) == pytest.approx(
        expected + 36.0 * 0.5 / 3.6e6
    )
    assert outcome_cost_usd(None, local_outcome(1.0, 1.0), None) == 0.0
    free = Outcome(option="edge", path="remote", status="failed", role="answer", started_s=0.0, latency_s=0.1)
    assert outcome_cost_usd(Prices(), free, free.energy_j) == 0.0
