"""The tables of the experiment: every run (Table 1), the means with their spread (Table 2), and what the thesis
had no column for. As text for the page, and as CSV with all digits."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from offload_sdk.baseline.report.numbers import NOTHING, column, size
from offload_sdk.baseline.report.ways import Way
from offload_sdk.log.export import csv_cell

__all__ = ["Table", "further", "table_1", "table_2", "to_csv"]

_Value = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`cells` are rows as they are shown, the first cell naming the row. `header` and `rows` are its CSV's, if it
    has one: plain names with units, and values with all their digits."""

    title: str
    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    header: tuple[str, ...] = ()
    rows: tuple[tuple[_Value, ...], ...] = ()
    notes: tuple[str, ...] = ()


def table_1(ways: Sequence[Way]) -> Table:
    """Every run: total time, mean time per image, cost."""
    rows = [(way, number, run) for way in ways for number, run in enumerate(way.series.runs, 1)]
    figures = [
        column([run.total_s for *_, run in rows]),
        column([run.mean_s for *_, run in rows]),
        column([run.cost_usd for *_, run in rows], digits=2),
    ]
    return Table(
        title="Table 1. Every run",
        columns=("Platform", "Run", "Total time (s)", "Mean time per image (s)", "Cost (USD)"),
        cells=tuple(
            (way.name, str(number), *cells) for (way, number, _), *cells in zip(rows, *figures, strict=True)
        ),
        header=("platform", "run", "total_s", "mean_s", "cost_usd"),
        rows=tuple((way.name, number, run.total_s, run.mean_s, run.cost_usd) for way, number, run in rows),
    )


def table_2(ways: Sequence[Way]) -> Table:
    """The means over the runs, with sample standard deviations."""
    all_series = [way.series for way in ways]
    totals = column([s.mean_total_s for s in all_series]), column([s.sd_total_s for s in all_series])
    means = column([s.mean_s for s in all_series]), column([s.sd_s for s in all_series], digits=2)
    costs = column([s.mean_cost_usd for s in all_series], digits=2)
    return Table(
        title="Table 2. Means over the runs, with their standard deviations",
        columns=("Platform", "Total time (s)", "Mean time per image (s)", "Mean cost (USD)"),
        cells=tuple(
            (way.name, _with_sd(total, total_sd), _with_sd(mean, mean_sd), cost)
            for way, total, total_sd, mean, mean_sd, cost in zip(ways, *totals, *means, costs, strict=True)
        ),
        header=("platform", "runs", "mean_total_s", "sd_total_s", "mean_s", "sd_s", "mean_cost_usd"),
        rows=tuple(
            (way.name, len(s.runs), s.mean_total_s, s.sd_total_s, s.mean_s, s.sd_s, s.mean_cost_usd)
            for way, s in zip(ways, all_series, strict=True)
        ),
        notes=("In brackets: sample standard deviation over the runs.",),
    )


def further(ways: Sequence[Way]) -> Table | None:
    """Percentiles, bytes, energy and failures over all runs; None where none of them is known."""
    known = [way for way in ways if way.series.p50_s is not None]
    if not known:
        return None
    times = [
        column([getattr(way.series, name) for way in known], digits=3, least=3)
        for name in ("p50_s", "p95_s", "image_sd_s")
    ]
    cells = []
    for way, *figures in zip(known, *times, strict=True):
        runs = way.series.runs
        images = sum(run.images or 0 for run in runs)
        cells.append(
            (
                way.name,
                *figures,
                _per_image([run.sent_bytes for run in runs], images),
                _per_image([run.received_bytes for run in runs], images),
                f"{way.series.failures:,} of {images:,}",
            )
        )
    return Table(
        title="Single images, over all runs",
        columns=("Platform", "Median (s)", "p95 (s)", "SD of images (s)", "Sent", "Received", "Failed"),
        cells=tuple(cells),
        notes=("Times are of answered images. Bytes are per image, headers included.",),
    )


def to_csv(table: Table) -> str:
    """Return the table as CSV with a header; unknown is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows([csv_cell(value) for value in row] for row in table.rows)
    return text.getvalue()


def _with_sd(mean: str, sd: str) -> str:
    return mean if NOTHING in (mean, sd) else f"{mean} ({sd})"


def _per_image(totals: Sequence[int | None], images: int) -> str:
    known = [total for total in totals if total is not None]
    return size(sum(known) / images) if known and images else NOTHING
