"""The figures: sums, means and deviations over runs, failures, energy and money."""

from __future__ import annotations

import statistics

import pytest
from baseline_kit import measured
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk.baseline.summarise import series_of

pytestmark = pytest.mark.light


def _free(total_s: float, energy_j: float | None) -> float | None:
    return 0.0


@given(st.lists(st.lists(st.floats(0.001, 100), min_size=2, max_size=6), min_size=2, max_size=4))
def test_figures_are_those_of_the_statistics_module(latencies_s: list[list[float]]) -> None:
    measurements = [
        measured(run=run, image=str(number), latency_s=latency_s)
        for run, of_run in enumerate(latencies_s, start=1)
        for number, latency_s in enumerate(of_run)
    ]
    series = series_of("sdk", reversed(measurements), _free)
    totals_s = [sum(of_run) for of_run in latencies_s]
    means_s = [statistics.fmean(of_run) for of_run in latencies_s]
    assert [run.total_s for run in series.runs] == pytest.approx(totals_s)
    assert [run.mean_s for run in series.runs] == pytest.approx(means_s)
    assert series.mean_total_s == pytest.approx(statistics.fmean(totals_s))
    assert series.sd_total_s == pytest.approx(statistics.stdev(totals_s), abs=1e-9)
    assert series.mean_s == pytest.approx(statistics.fmean(means_s))
    assert series.sd_s == pytest.approx(statistics.stdev(means_s), abs=1e-9)
    everything = [latency_s for of_run in latencies_s for latency_s in of_run]
    assert series.p50_s == pytest.approx(statistics.median(everything))
    assert series.image_sd_s == pytest.approx(statistics.stdev(everything), abs=1e-9)


def test_failures_take_time_and_count_but_are_no_latencies() -> None:
    series = series_of(
        "sdk",
        [measured(image="a", latency_s=1.0), measured(image="b", latency_s=10.0, failure="timeout")],
        lambda total_s, energy_j: total_s,
    )
    (run,) = series.runs
    assert (run.total_s, run.mean_s, run.p95_s, run.failures, run.images) == (11.0, 1.0, 1.0, 1, 2)
    assert (series.failures, series.mean_total_s, series.mean_cost_usd) == (1, 11.0, 11.0)


def test_nothing_but_failures_has_no_mean() -> None:
    series = series_of("sdk", [measured(failure="connect"), measured(run=2, failure="connect")], _free)
    assert (series.mean_s, series.sd_s, series.p50_s, series.failures) == (None, None, None, 2)
    assert series.mean_total_s == pytest.approx(0.1)


def test_one_run_has_no_deviation() -> None:
    series = series_of("sdk", [measured(image=name) for name in "ab"], _free)
    assert (series.sd_total_s, series.sd_s) == (None, None)
    assert series.image_sd_s == 0.0


def test_energy_is_the_sum_and_as_sure_as_its_weakest_part() -> None:
    def run(number: int, *joules: float | None, source: str = "metered", **values: object) -> list:  # type: ignore[type-arg]
        return [
            measured(run=number, image=str(place), energy_j=energy_j, energy_source=source, **values)
            for place, energy_j in enumerate(joules)
        ]

    known = series_of("sdk", [*run(1, 0.5, 0.25), *run(2, 1.0, 0.25, source="modelled")], _free)
    assert ([r.energy_j for r in known.runs], known.mean_energy_j) == ([0.75, 1.25], 1.0)
    assert known.energy_source == "modelled"
    partly = series_of("sdk", [*run(1, 0.5, None), *run(2, 0.5)], _free)
    assert ([r.energy_j for r in partly.runs], partly.mean_energy_j) == ([None, 0.5], None)
    failed = series_of("sdk", [*run(1, 0.5), measured(image="x", failure="input")], _free)
    assert failed.runs[0].energy_j == 0.5


def test_the_price_is_asked_with_the_runs_seconds_and_joules() -> None:
    asked = []

    def cost(total_s: float, energy_j: float | None) -> float | None:
        asked.append((total_s, energy_j))
        return None if len(asked) > 1 else 2.0

    series = series_of("sdk", [measured(latency_s=3.0, energy_j=4.0), measured(run=2, latency_s=5.0)], cost)
    assert asked == [(3.0, 4.0), (5.0, None)]
    assert ([run.cost_usd for run in series.runs], series.mean_cost_usd) == ([2.0, None], None)
