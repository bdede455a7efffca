"""A `Summary` as a short table: aligned text for a pipe, a rich table for a terminal. No arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload_sdk.baseline.summary import Series, Summary, Target

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["HEADER", "cells", "notes", "plain", "rich_table"]

HEADER = ("target", "upload", "total", "SD", "per image", "SD", "p50", "p95", "failed", "energy", "USD/run")
_UNKNOWN = "-"


def cells(summary: Summary) -> list[tuple[str, ...]]:
    """Return a line per target and form of upload, in the columns of `HEADER`."""
    lines = []
    for target in summary.targets:
        lines.append(_line(target, target.series))
        if target.original is not None:
            lines.append(_line(target, target.original))
    return lines


def notes(summary: Summary) -> list[str]:
    """Return what is to be known of the figures."""
    if summary.imported:
        return [f"Imported: up to {summary.repeat} runs a platform. SD: sample standard deviation over runs."]
    found = [
        f"{summary.images:,} images, {summary.repeat} runs. total, per image: means over runs; SD: sample "
        "standard deviation over runs. p50, p95: over the answered images of all runs."
    ]
    if any(target.series.energy_source == "modelled" for target in summary.targets):
        found.append("energy: of the device in one run, modelled from power figures, not metered.")
    assumed = [target.name for target in summary.targets if target.platform_assumed]
    if assumed:
        found.append(
            f"{', '.join(assumed)}: priced as Fargate, as nobody said where it runs; say it with --platform "
            "NAME=PLATFORM."
        )
    return found


def plain(summary: Summary) -> str:
    """Return the table as aligned text without any control characters, and the notes below it."""
    lines = [HEADER, *cells(summary)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = [
        "  ".join(
            cell.rjust(width) if column > 1 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([*table, "", *notes(summary)])


def rich_table(summary: Summary) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for number, name in enumerate(HEADER):
        table.add_column(name, justify="right" if number > 1 else "left")
    for line in cells(summary):
        table.add_row(*map(escape, line))
    return table


def _line(target: Target, series: Series) -> tuple[str, ...]:
    upload = _UNKNOWN if target.path == "local" else "whole file" if series.payload == "original" else "SDK"
    return (
        target.name,
        upload,
        _seconds(series.mean_total_s),
        _seconds(series.sd_total_s),
        _seconds(series.mean_s),
        _seconds(series.sd_s),
        _seconds(series.p50_s),
        _seconds(series.p95_s),
        f"{series.failures:,}",
        _UNKNOWN if series.mean_energy_j is None else f"{series.mean_energy_j:.3g} J",
        _UNKNOWN if series.mean_cost_usd is None else f"{series.mean_cost_usd:.3g}",
    )


def _seconds(value: float | None) -> str:
    if value is None:
        return _UNKNOWN
    if value < 1.0:
        milliseconds = value * 1e3
        return f"{milliseconds:.2f} ms" if milliseconds < 10 else f"{milliseconds:.1f} ms"
    return f"{value:.2f} s" if value < 100.0 else f"{value:,.0f} s"
