"""The arithmetic of CPU load with counters that the test sets."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offload_sdk.measure.load import CpuTimes, LoadReader, system_cpu_times

pytestmark = pytest.mark.light
# An emulated or busy machine is slow; that says nothing about the arithmetic.
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Counters:
    def __init__(self) -> None:
        self.now = CpuTimes(busy_s=100.0, total_s=1000.0, own_s=10.0)

    def __call__(self) -> CpuTimes:
        return self.now

    def add(self, *, busy_s: float, total_s: float, own_s: float) -> None:
        self.now = CpuTimes(
            busy_s=self.now.busy_s + busy_s, total_s=self.now.total_s + total_s, own_s=self.now.own_s + own_s
        )


def test_first_reading_is_unknown() -> None:
    assert LoadReader(Counters(), cores=4).read() is None


def test_own_time_does_not_count() -> None:
    counters = Counters()
    load = LoadReader(counters, cores=4)
    load.read()
    counters.add(busy_s=3.0, total_s=8.0, own_s=1.0)
    assert load.read() == pytest.approx(0.25)


def test_too_short_an_interval_keeps_the_last_value() -> None:
    counters = Counters()
    load = LoadReader(counters, cores=4)
    load.read()
    counters.add(busy_s=4.0, total_s=8.0, own_s=0.0)
    assert load.read() == pytest.approx(0.5)
    counters.add(busy_s=0.0, total_s=0.1, own_s=0.0)
    assert load.read() == pytest.approx(0.5)
    # The short interval is not lost: it is part of the next one.
    counters.add(busy_s=0.0, total_s=0.9, own_s=0.0)
    assert load.read() == pytest.approx(0.0)


def test_counters_that_begin_again_give_unknown() -> None:
    counters = Counters()
    load = LoadReader(counters, cores=1)
    load.read()
    counters.now = CpuTimes(busy_s=0.0, total_s=1.0, own_s=0.0)
    assert load.read() is None
    counters.add(busy_s=1.0, total_s=2.0, own_s=0.0)
    assert load.read() == pytest.approx(0.5)


@relaxed
@given(
    st.lists(st.tuples(*(st.floats(0.0, 1e6) for _ in range(3))), min_size=1, max_size=20),
)
def test_always_a_fraction_or_unknown(steps: list[tuple[float, float, float]]) -> None:
    counters = Counters()
    load = LoadReader(counters, cores=2)
    for busy_s, total_s, own_s in steps:
        counters.add(busy_s=busy_s, total_s=total_s, own_s=own_s)
        value = load.read()
        assert value is None or 0.0 <= value <= 1.0


def test_the_system_counts_forwards() -> None:
    first, second = system_cpu_times(), system_cpu_times()
    assert second.total_s >= first.total_s
    assert 0.0 <= first.busy_s <= first.total_s
    assert first.own_s > 0.0
