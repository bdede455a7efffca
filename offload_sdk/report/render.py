"""A `Report` as text: cells, plain lines for a pipe, a rich table for a terminal, a dictionary for JSON."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from offload_sdk.report.plain import aligned, size, time, widths
from offload_sdk.report.spread import Spread
from offload_sdk.report.table import OptionStats, Report

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["BASELINE_TITLE", "HEADER", "NOTES", "TITLE", "cells", "facts", "plain", "rich_table", "to_dict"]

TITLE = "Runs that served the answer"
BASELINE_TITLE = "Baseline: every path on the same images, picked by chance"
HEADER = (
    "path",
    "chosen",
    "runs",
    "failed",
    "mean",
    "p50",
    "p95",
    "energy",
    "$/1,000",
    "sent",
    "pred. error",
    "in p90",
)
NOTES = (
    "mean, p50, p95: time of one run, decoding included; `as decided` is the whole call, all its runs together.",
    "energy, $/1,000, sent: per run, per 1,000 runs, per run; `modelled` is computed from power figures, "
    "`metered` is read from a meter.",
    "pred. error: median of |predicted - actual| / actual. in p90: share of runs that took no longer than their "
    "predicted 90th percentile (90 % is right).",
)
_UNKNOWN = "-"


def facts(report: Report) -> str:
    """Return one line on what the log holds."""
    if report.first_wall_s is None or report.last_wall_s is None:
        return "The log holds no images."
    parts = [
        f"{report.images:,} images, {report.answered:,} answered",
        f"{report.fallbacks:,} by fallback",
        f"policy {', '.join(f'{name} ({count:,})' for name, count in report.policies.items())}",
        f"{_moment(report.first_wall_s)} to {_moment(report.last_wall_s)} UTC",
    ]
    if report.hedged:
        parts.insert(2, f"{report.hedged:,} hedged")
    return "; ".join(parts)


def cells(report: Report, *, baseline: bool = False) -> list[tuple[str, ...]]:
    """Return the lines of a table, in the columns of `HEADER`."""
    options = report.baseline if baseline else report.options
    lines = [_line(stats) for stats in options]
    if not baseline and report.images:
        per_thousand = 1e3 * report.cost_usd / report.images
        lines.insert(
            0,
            (
                "as decided",
                f"{report.images:,}",
                _UNKNOWN,
                f"{report.images - report.answered:,}",
                *_times(report.latency_s),
                _energy(report.energy_j, report.energy_source),
                _money(per_thousand),
                _bytes(sum(stats.sent_bytes for stats in options), report.images),
                _UNKNOWN,
                _UNKNOWN,
            ),
        )
    return lines


def plain(report: Report) -> str:
    """Return the report as aligned text without any control characters."""
    blocks = [facts(report)]
    if report.images:
        blocks.append(TITLE + "\n" + aligned([HEADER, *cells(report)]))
    if report.baseline:
        title = f"{BASELINE_TITLE} ({report.baseline_images:,} images)"
        blocks.append(title + "\n" + aligned([HEADER, *cells(report, baseline=True)]))
    if report.images:
        blocks.append("\n".join(NOTES))
    return "\n\n".join(blocks)


def rich_table(report: Report, *, baseline: bool = False, columns: int = 200) -> Table:
    """Return a table for a terminal of so many columns: a line per path, or a column where that is too wide."""
    from rich.markup import escape
    from rich.table import Table

    title = f"{BASELINE_TITLE} ({report.baseline_images:,} images)" if baseline else TITLE
    lines = [HEADER, *cells(report, baseline=baseline)]
    if sum(widths(lines)) + 3 * len(HEADER) + 1 > columns:
        lines = list(zip(*lines, strict=True))
    table = Table(title=title, title_justify="left", title_style="bold")
    for number, name in enumerate(lines[0]):
        table.add_column(escape(name), justify="right" if number else "left")
    for line in lines[1:]:
        table.add_row(*map(escape, line))
    return table


def to_dict(report: Report) -> dict[str, Any]:
    """Return plain values, with the names and units of `Report`."""
    return dataclasses.asdict(report)


def _line(stats: OptionStats) -> tuple[str, ...]:
    return (
        stats.option,
        f"{stats.chosen:,}",
        f"{stats.runs:,}",
        f"{stats.failed:,}",
        *_times(stats.latency_s),
        _energy(stats.energy_j, stats.energy_source),
        _money(1e3 * stats.cost_usd / stats.runs) if stats.runs else _UNKNOWN,
        _bytes(stats.sent_bytes, stats.runs),
        _share(stats.error_frac),
        _share(stats.p90_coverage_frac),
    )


def _times(spread: Spread) -> tuple[str, str, str]:
    return _time(spread.mean), _time(spread.p50), _time(spread.p95)


def _time(seconds: float | None) -> str:
    return _UNKNOWN if seconds is None else time(seconds)


def _energy(spread: Spread, source: str) -> str:
    return _UNKNOWN if spread.mean is None else f"{spread.mean:.3g} J {source}"


def _money(usd: float) -> str:
    return "0" if usd == 0.0 else f"{usd:.3g}"


def _bytes(total: int, count: int) -> str:
    """The mean over `count` things."""
    if not count or not total:
        return "0" if count else _UNKNOWN
    return size(total / count)


def _share(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{100.0 * value:.0f} %"


def _moment(wall_s: float) -> str:
    try:
        return datetime.fromtimestamp(wall_s, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):  # a device without a clock battery may log any time
        return f"{wall_s:.0f} s"
