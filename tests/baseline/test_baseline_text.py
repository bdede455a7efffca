"""The table that is printed when an experiment is over."""

from __future__ import annotations

import pytest
from baseline_kit import measured

from offload_sdk.baseline.summarise import series_of
from offload_sdk.baseline.summary import Summary, Target
from offload_sdk.baseline.text import HEADER, cells, plain

pytestmark = pytest.mark.light


def _free(total_s: float, energy_j: float | None) -> float:
    return 0.0123


def _summary(**values: object) -> Summary:
    sdk = series_of(
        "sdk", [measured(run=run, latency_s=run, energy_j=5.0, energy_source="modelled") for run in (1, 2)], _free
    )
    whole = series_of("original", [measured(payload="original", latency_s=2000.0, failure="timeout")], _free)
    cloud = Target(name="cloud", path="remote", series=sdk, original=whole, platform_assumed=True)
    local = Target(name="local", path="local", series=sdk)
    return Summary(**{"targets": (local, cloud), "repeat": 2, "images": 1, **values})  # type: ignore[arg-type]


def test_there_is_a_line_per_target_and_form_of_upload() -> None:
    local, cloud, whole = (dict(zip(HEADER[:3], line[:3], strict=True)) for line in cells(_summary()))
    assert local == {"target": "local", "upload": "-", "total s": "1.50"}
    assert cloud == {"target": "cloud", "upload": "SDK", "total s": "1.50"}
    assert whole == {"target": "cloud", "upload": "whole file", "total s": "2,000"}
    assert cells(_summary())[2][3:] == ("-", "-", "-", "-", "-", "1", "-", "0.0123")


def test_the_lines_stand_below_each_other_and_fit_a_terminal() -> None:
    table, _, notes = plain(_summary()).partition("\n\n")
    lines = table.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert len(lines[0]) <= 100
    assert "modelled from power figures, not metered" in notes
    assert "cloud counts as Fargate" in notes


def test_imported_runs_are_called_so() -> None:
    assert "Imported runs" in plain(_summary(imported=True, images=None))


def test_a_name_does_not_steer_the_terminal() -> None:
    target = Target(name="a\x1b[31m\nb", path="remote", series=_summary().targets[0].series, platform_assumed=True)
    shown = plain(_summary(targets=(target,)))
    assert "\x1b" not in shown
    assert len(shown.partition("\n\n")[0].splitlines()) == 2
