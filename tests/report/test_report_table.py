"""The figures of the table, each against arithmetic done by hand."""

from __future__ import annotations

import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk.report import summarise
from offload_sdk.report.runs import comparable_s
from offload_sdk.report.spread import quantile, spread_of

pytestmark = pytest.mark.light


def test_an_empty_log_has_a_report() -> None:
    report = summarise([])
    assert (report.images, report.options, report.baseline, report.latency_s.mean) == (0, (), (), None)


def test_runs_are_counted_per_option(run: Any, image: Any) -> None:
    report = summarise(
        [
            image(0, run("local", 0.1, energy_j=0.2, energy_source="modelled")),
            image(1, run("local", 0.3, energy_j=0.4, energy_source="metered")),
            image(2, run("cloud", 0.05, cost_usd=0.001, sent_bytes=1000, received_bytes=10)),
            image(
                3,
                run("cloud", 0.4, status="failed", censored=True, sent_bytes=500),
                run("local", 0.1, "fallback"),
                fallback=True,
            ),
            image(4, run("cloud", 0.2, status="failed")),
            image(5, run("cloud", 0.01, status="ignored"), run("local", 0.1, "fallback"), fallback=True),
        ]
    )
    local, cloud = report.options
    assert (local.option, local.path, local.chosen, local.runs, local.failed) == ("local", "local", 2, 4, 0)
    assert (cloud.option, cloud.path, cloud.chosen, cloud.runs, cloud.failed) == ("cloud", "remote", 4, 4, 2)
    assert local.latency_s.mean == pytest.approx(0.15)
    assert local.latency_s.p50 == pytest.approx(0.1)
    assert local.latency_s.p95 == pytest.approx(0.1 + 0.85 * 0.2)
    assert (local.energy_j.count, local.energy_j.mean) == (2, pytest.approx(0.3))
    assert (local.energy_source, cloud.energy_source) == ("mixed", "unknown")
    assert cloud.latency_s.count == 1  # whole answers only
    assert (cloud.cost_usd, cloud.sent_bytes, cloud.received_bytes) == (0.001, 1500, 10)
    assert (report.images, report.answered, report.fallbacks) == (6, 5, 2)
    assert report.latency_s.mean == pytest.approx((0.1 + 0.3 + 0.05 + 0.5 + 0.11) / 5)
    assert report.policies == {"auto": 6}
    assert (report.first_wall_s, report.last_wall_s) == (1000.0, 1005.0)
    assert report.baseline == ()


def test_the_baseline_has_every_path_on_the_shadowed_images_only(run: Any, image: Any) -> None:
    report = summarise(
        [
            image(0, run("cloud", 0.01)),
            image(1, run("cloud", 0.05, cost_usd=0.001), run("local", 0.2, "shadow")),
            image(2, run("local", 0.4), run("cloud", 0.15, "shadow", cost_usd=0.001)),
        ]
    )
    assert report.baseline_images == 2
    local, cloud = report.baseline
    assert (local.runs, local.latency_s.mean) == (2, pytest.approx(0.3))
    assert (cloud.runs, cloud.latency_s.mean) == (2, pytest.approx(0.1))
    assert [stats.runs for stats in report.options] == [1, 2]
    assert report.cost_usd == 0.001  # what the caller's answers cost
    assert report.latency_s.mean == pytest.approx((0.01 + 0.05 + 0.4) / 3)


def test_a_second_run_gets_the_time_of_the_decoding_it_was_spared(run: Any, image: Any) -> None:
    first = run("cloud", 0.1, timings={"decode": 0.04, "encode": 0.01})
    second = run("local", 0.06, "shadow", timings={"preprocess": 0.01, "infer": 0.05})
    original = run("edge", 0.03, "shadow", timings={"network": 0.03})
    record = image(0, first, second, original)
    assert comparable_s(first, record) == 0.1
    assert comparable_s(second, record) == pytest.approx(0.1)
    assert comparable_s(original, record) == 0.03  # a file sent as it is needs no decoding


def test_predictions_are_judged(run: Any, image: Any) -> None:
    # local is predicted at 100 ms with a p90 of about 126 ms.
    report = summarise(
        [
            image(0, run("local", 0.1)),
            image(1, run("local", 0.125)),
            image(2, run("local", 0.2)),
            image(3, run("local", 0.05, status="failed", censored=True)),
            image(4, run("local", 0.5, status="failed", censored=True)),
        ]
    )
    (local,) = [stats for stats in report.options if stats.option == "local"]
    assert local.predictions == 3
    assert local.error_frac == pytest.approx(0.2)
    assert local.p90_coverage_frac == pytest.approx(2 / 4)


@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=50))
def test_quantiles_are_those_of_the_standard_library(values: list[float]) -> None:
    ordered = sorted(values)
    cuts = statistics.quantiles(ordered, n=20, method="inclusive")
    assert quantile(ordered, 0.95) == pytest.approx(cuts[-1])
    assert quantile(ordered, 0.5) == pytest.approx(statistics.median(ordered))
    assert (quantile(ordered, 0.0), quantile(ordered, 1.0)) == (ordered[0], ordered[-1])


def test_a_spread_of_nothing_is_unknown() -> None:
    assert spread_of([]).p95 is None
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)
