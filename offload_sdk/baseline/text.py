"""A `Summary` as a short table of aligned text, as it is printed when an experiment is over. No arithmetic."""

from __future__ import annotations

from offload_sdk.baseline.report.ways import printable
from offload_sdk.baseline.summary import Series, Summary, Target
from offload_sdk.report.plain import aligned

__all__ = ["HEADER", "cells", "notes", "plain"]

HEADER = (
    "target",
    "upload",
    "total s",
    "SD",
    "image ms",
    "SD",
    "p50 ms",
    "p95 ms",
    "failed",
    "J/run",
    "USD/run",
)
_UNKNOWN = "-"


def cells(summary: Summary) -> list[tuple[str, ...]]:
    """Return a line per target and form of upload, in the columns of `HEADER`."""
    return [
        _line(target, series)
        for target in summary.targets
        for series in (target.series, target.original)
        if series is not None
    ]


def notes(summary: Summary) -> list[str]:
    """Return what is to be known of the figures, a line each."""
    if summary.imported:
        return ["Imported runs. total, image: means over runs. SD: sample standard deviation over runs."]
    found = [
        f"{summary.images:,} images, {summary.repeat} run{'s' if summary.repeat > 1 else ''}. total, image: means "
        "over runs. SD: sample standard deviation over runs.",
        "p50, p95: over the answered images of all runs.",
    ]
    if any(target.series.energy_source == "modelled" for target in summary.targets):
        found.append("J/run: energy of the device, modelled from power figures, not metered.")
    assumed = [printable(target.name) for target in summary.targets if target.platform_assumed]
    if assumed:
        found.append(
            f"USD/run: {', '.join(assumed)} counts as Fargate, as nobody said where it runs: --platform "
            "NAME=PLATFORM says it."
        )
    return found


def plain(summary: Summary) -> str:
    """Return the table without any control characters, and the notes below it."""
    return "\n".join([aligned([HEADER, *cells(summary)], left=(0, 1)), "", *notes(summary)])


def _line(target: Target, series: Series) -> tuple[str, ...]:
    upload = _UNKNOWN if target.path == "local" else "whole file" if series.payload == "original" else "SDK"
    return (
        printable(target.name),
        upload,
        _number(series.mean_total_s),
        _number(series.sd_total_s),
        *(_number(value, 1e3) for value in (series.mean_s, series.sd_s, series.p50_s, series.p95_s)),
        f"{series.failures:,}",
        _number(series.mean_energy_j),
        _UNKNOWN if series.mean_cost_usd is None else f"{series.mean_cost_usd:.3g}",
    )


def _number(value: float | None, factor: float = 1.0) -> str:
    if value is None:
        return _UNKNOWN
    scaled = factor * value
    return f"{scaled:,.0f}" if scaled >= 1000.0 else f"{scaled:.1f}" if scaled >= 100.0 else f"{scaled:.2f}"
