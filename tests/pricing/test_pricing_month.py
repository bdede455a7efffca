"""A month's bill: against sums by hand, a simulation of single images, and what must hold for every load."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing_worlds import LOADS, OPERATIONS, OVERHEADS, PLATFORMS

from offload_sdk.errors import ConfigurationError
from offload_sdk.pricing import Platform, platforms
from offload_sdk.pricing.load import HOURS_PER_MONTH, Load, Operation, running, unit_capacity, units_needed
from offload_sdk.pricing.month import Overheads, monthly_bill
from offload_sdk.pricing.price_list import shipped_prices

PRICES = shipped_prices()
NONE = Overheads(counted=False)
FIXED = Operation(scaling="fixed")


def total_usd(platform: Platform, load: Load, operation: Operation, overheads: Overheads = NONE) -> float:
    return monthly_bill(platform, load, PRICES, operation=operation, overheads=overheads).total_usd


def test_one_task_that_always_runs_costs_its_hours() -> None:
    load = Load(images_per_s=1.0, service_s=0.02)
    assert total_usd(platforms()["fargate"], load, FIXED) == pytest.approx(730 * (0.5 * 0.04048 + 0.004445))
    assert total_usd(platforms()["c6i-large"], load, FIXED) == pytest.approx(730 * 0.085)


def test_a_burstable_instance_pays_for_what_it_uses_above_its_baseline() -> None:
    load = Load(images_per_s=40.0, service_s=0.025)  # one vCPU busy, of two; 2 x 20 % are in the price
    assert total_usd(platforms()["ec2"], load, FIXED) == pytest.approx(730 * 0.0416 + 730 * (1.0 - 0.4) * 0.05)
    below = replace(load, images_per_s=15.0)
    assert total_usd(platforms()["ec2"], below, FIXED) == pytest.approx(730 * 0.0416)


def test_overheads_are_lines_of_their_own() -> None:
    load = Load(images_per_s=3.0, service_s=0.022)
    bill = monthly_bill(platforms()["fargate"], load, PRICES, operation=FIXED)
    usd = {line.name: line.usd for line in bill.lines if line.overhead}
    images, gb = 3.0 * 730 * 3600, 1e-9
    assert usd == {
        "load balancer": pytest.approx(730 * 0.0225),
        "load balancer's capacity": pytest.approx(images * 38_000 * gb * 0.008),  # more than 3/25 of connections
        "public IPv4": pytest.approx(3 * 730 * 0.005),
        "logs": pytest.approx(images * 300 * gb * 0.5),
        "image in the registry": pytest.approx(0.05),
        "egress": 0.0,
    }
    assert bill.overhead_usd == pytest.approx(sum(usd.values()))
    alone = monthly_bill(
        platforms()["ec2"], load, PRICES, operation=FIXED, overheads=Overheads(load_balancer=False)
    )
    assert [line.name for line in alone.lines if line.overhead][:2] == ["disk", "public IPv4"]
    assert alone.lines[1].usd == pytest.approx(30 * 0.08)


def test_egress_is_paid_after_the_free_part() -> None:
    load = Load(images_per_s=100.0, service_s=0.001, received_bytes=10_000.0)
    bill = monthly_bill(platforms()["fargate"], load, PRICES, operation=FIXED)
    egress = next(line for line in bill.lines if line.name == "egress")
    assert egress.usd == pytest.approx((100 * 730 * 3600 * 1e4 / 1e9 - 100) * 0.09)


@pytest.mark.parametrize("per_s", [1 / 3600, 1 / 600, 1 / 120])
def test_scaling_to_none_runs_as_long_as_a_simulation_of_single_images(per_s: float) -> None:
    platform = platforms()["fargate"]
    load = Load(images_per_s=per_s, service_s=0.022)
    operation = Operation(scaling="zero", idle_s=600.0)
    rng, now_s, until_s, on_s, starts = random.Random(7), 0.0, 0.0, 0.0, 0
    for _ in range(200_000):
        now_s += rng.expovariate(per_s)
        if now_s >= until_s:  # it is off: it starts, and waits its idle time from when it is up
            starts += 1
            on_s += platform.start_s + operation.idle_s
            until_s = now_s + platform.start_s + operation.idle_s
        elif now_s + operation.idle_s > until_s:
            on_s += now_s + operation.idle_s - until_s
            until_s = now_s + operation.idle_s
    found = running(platform, load, operation)
    assert found.unit_h / HOURS_PER_MONTH == pytest.approx(on_s / now_s, rel=0.02)
    assert found.starts / (HOURS_PER_MONTH * 3600) == pytest.approx(starts / now_s, rel=0.02)


def test_idle_hours_are_paid_as_the_scaling_says() -> None:
    load = Load(images_per_s=40.0, service_s=0.02, hours_per_day=8.0)  # 0.8 vCPU at 70 %: three tasks
    hours = {
        scaling: running(platforms()["fargate"], load, Operation(scaling=scaling)).unit_h
        for scaling in ("fixed", "auto", "zero")
    }
    busy_h = 730 / 24 * (8.0 + 0.25)  # target tracking lets a quarter of an hour pass
    assert hours == {
        "fixed": pytest.approx(3 * 730),
        "auto": pytest.approx(730 + 2 * busy_h),
        "zero": pytest.approx(3 * busy_h),
    }
    for scaling in ("fixed", "auto", "zero"):  # what is committed is paid in any case
        found = running(platforms()["fargate-savings"], load, Operation(scaling=scaling))
        assert found.unit_h == pytest.approx(3 * 730)


@given(PLATFORMS, LOADS, OPERATIONS, OVERHEADS, st.floats(1.0, 50.0))
@settings(deadline=None, max_examples=50)
def test_more_images_cost_no_less(
    platform: Platform, load: Load, operation: Operation, overheads: Overheads, times: float
) -> None:
    more = replace(load, images_per_s=load.images_per_s * times)
    usd = total_usd(platform, load, operation, overheads)
    assert usd <= total_usd(platform, more, operation, overheads) * (1 + 1e-12)


@given(PLATFORMS, LOADS, OPERATIONS, OVERHEADS)
@settings(deadline=None, max_examples=50)
def test_more_hours_and_slower_images_cost_no_less(
    platform: Platform, load: Load, operation: Operation, overheads: Overheads
) -> None:
    usd = total_usd(platform, load, operation, overheads) * (1 - 1e-12)
    assert usd <= total_usd(platform, replace(load, hours_per_day=24.0), operation, overheads)
    assert usd <= total_usd(platform, replace(load, service_s=2 * load.service_s), operation, overheads)
    assert usd >= total_usd(platform, load, operation) * (1 - 1e-12)  # overheads are never negative


@given(PLATFORMS, LOADS, OPERATIONS)
@settings(deadline=None, max_examples=50)
def test_the_units_carry_the_load_and_one_less_would_not(
    platform: Platform, load: Load, operation: Operation
) -> None:
    units, capacity = units_needed(platform, load, operation), unit_capacity(platform, load, operation)
    assert units * capacity >= load.images_per_s * (1 - 1e-12)
    assert units == 1 or (units - 1) * capacity < load.images_per_s * (1 + 1e-12)


@given(PLATFORMS, LOADS, OPERATIONS)
@settings(deadline=None, max_examples=50)
def test_scaling_down_saves(platform: Platform, load: Load, operation: Operation) -> None:
    zero, auto, fixed = (
        total_usd(platform, load, replace(operation, scaling=scaling)) for scaling in ("zero", "auto", "fixed")
    )
    if platform.baseline_frac == 1.0:  # a burstable instance that is off earns no credit
        assert zero <= auto * (1 + 1e-12)
        assert auto <= fixed * (1 + 1e-12)


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (Load, {"images_per_s": 0.0, "service_s": 0.1}, "images_per_s must be from"),
        (Load, {"images_per_s": float("inf"), "service_s": 0.1}, "images_per_s must be from"),
        (Load, {"images_per_s": 1.0, "service_s": float("nan")}, "service_s must be from"),
        (Load, {"images_per_s": 1.0, "service_s": 0.1, "hours_per_day": 25.0}, "a day has no 25"),
        (Operation, {"utilisation_frac": 0.0}, "utilisation must be above 0"),
        (Operation, {"idle_s": 10.0}, "after a minute at the earliest"),
    ],
)
def test_what_is_no_load_is_one_clear_error(kind: type, values: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        kind(**values)
