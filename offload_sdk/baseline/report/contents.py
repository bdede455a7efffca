"""What the report on an experiment holds, in order; a section appears only when there is data for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from offload_sdk.baseline.measurement import Measurement
from offload_sdk.baseline.report.bars import bars
from offload_sdk.baseline.report.breakeven_section import break_even
from offload_sdk.baseline.report.costs import costs
from offload_sdk.baseline.report.findings import Finding, findings
from offload_sdk.baseline.report.images import distribution, drift, over_size
from offload_sdk.baseline.report.inputs import inputs
from offload_sdk.baseline.report.numbers import joules, seconds, size, usd
from offload_sdk.baseline.report.section import Drawing, Section
from offload_sdk.baseline.report.surroundings import method, surroundings
from offload_sdk.baseline.report.tables import Table, further, table_1, table_2
from offload_sdk.baseline.report.ways import Way, ways_of
from offload_sdk.baseline.summary import Run, Series, Summary

__all__ = ["Contents", "contents"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """`facts` is one line on what was done. `files` are the tables that are files too, by name without suffix."""

    title: str
    facts: str
    findings: tuple[Finding, ...]
    sections: tuple[Section, ...]
    files: Mapping[str, Table]


def contents(summary: Summary, measurements: Sequence[Measurement]) -> Contents:
    """Put the whole report together. Raises `ConfigurationError` without matplotlib."""
    ways = ways_of(summary)
    first, second = table_1(ways), table_2(ways)
    board = summary.machine.get("board")
    found = inputs(ways, measurements, None if board is None else str(board))
    sections = (
        _results(ways, first, second),
        _single_images(ways, measurements),
        _energy(ways),
        costs(summary, ways, {cloud.payload: cloud.server_s.at(found.size_bytes) for cloud in found.clouds}),
        break_even(summary, found),
        surroundings(summary),
        method(summary, ways),
    )
    local = any(way.path == "local" for way in ways)
    return Contents(
        title="Local against cloud" if local else "One cloud platform against the other",
        facts=_facts(summary, measurements),
        findings=tuple(findings(ways)),
        sections=tuple(section for section in sections if not section.is_empty),
        files={"table_1": first, "table_2": second},
    )


def _facts(summary: Summary, measurements: Sequence[Measurement]) -> str:
    runs = f"{summary.repeat} {'run' if summary.repeat == 1 else 'runs'}"
    most = "up to " if len({len(target.series.runs) for target in summary.targets}) > 1 else ""
    parts = [f"{len(summary.targets)} targets, {most}{runs} of each"]
    if summary.images is not None:
        of = "" if summary.image_bytes is None else f" of {size(summary.image_bytes)} in all"
        parts.insert(0, f"{summary.images:,} images{of}")
    if measurements:
        first, last = (pick(m.began_wall_s for m in measurements) for pick in (min, max))
        parts.append(f"{len(measurements):,} measurements, {_moment(first)} to {_moment(last)} UTC")
    if summary.imported:
        parts.append("figures measured elsewhere and imported")
    return "; ".join(parts) + "."


def _moment(wall_s: float) -> str:
    try:
        return datetime.fromtimestamp(wall_s, timezone.utc).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError, OSError):  # a device without a clock battery may tell any time
        return f"{wall_s:.0f} s"


def _results(ways: Sequence[Way], first: Table, second: Table) -> Section:
    drawings = [
        _bars(ways, "figure_7_total_time", "Figure 7", "total time", "s", lambda run: run.total_s, seconds,
              lambda series: series.mean_total_s),
        _bars(ways, "figure_8_time_per_image", "Figure 8", "time per image", "s", lambda run: run.mean_s, seconds,
              lambda series: series.mean_s),
        _bars(ways, "figure_9_cost", "Figure 9", "cost of a run", "USD", lambda run: run.cost_usd, usd,
              lambda series: series.mean_cost_usd),
    ]  # fmt: skip
    return Section(
        anchor="results",
        title="Results",
        tables=tuple(table for table in (first, second, further(ways)) if table is not None),
        drawings=tuple(drawing for drawing in drawings if drawing is not None),
    )


def _bars(
    ways: Sequence[Way],
    name: str,
    number: str,
    what: str,
    unit: str,
    value: Callable[[Run], float | None],
    write: Callable[[float | None], str],
    mean: Callable[[Series], float | None],
) -> Drawing | None:
    figure = bars(ways, value, f"mean {what}", unit)
    if figure is None:
        return None
    told = "; ".join(f"{way.name} {write(mean(way.series))}" for way in ways if mean(way.series) is not None)
    return Drawing(
        name=name,
        title=f"{number}. Mean {what}",
        caption="A bar per platform; whiskers are one standard deviation over the runs."
        + (" Outlined: the original file is uploaded." if any(way.hollow for way in ways) else ""),
        alt=f"Bar chart of the mean {what}: {told}.",
        figure=figure,
    )


def _single_images(ways: Sequence[Way], measurements: Sequence[Measurement]) -> Section:
    drawings: list[Drawing] = []
    names = ", ".join(way.name for way in ways)
    for draw, name, title, caption, alt in (
        (distribution, "figure_10_distribution", "Figure 10. How the times are distributed",
         "Each curve rises to the share of images that were answered within a time. Failures are not in it.",
         "Cumulative distribution of the time of an image"),
        (over_size, "figure_11_time_over_size", "Figure 11. Time against the size of the image",
         "Lines join the medians of images of about the same size; points are single images, not all of them.",
         "Time of an image against the size of its file"),
        (drift, "figure_12_drift", "Figure 12. Drift over the experiment",
         "Each time is set against the mean of the same image on the same way, or of images of about its size "
         "where there was one run; points are medians of neighbours in time. Lines that move "
         "together share a cause.",
         "Change of the median time in the order of the measurements"),
    ):  # fmt: skip
        figure = draw(ways, measurements)
        if figure is not None:
            drawings.append(
                Drawing(name=name, title=title, caption=caption, alt=f"{alt}: {names}.", figure=figure)
            )
    return Section(anchor="images", title="Single images", drawings=tuple(drawings))


def _energy(ways: Sequence[Way]) -> Section:
    drawing = _bars(
        ways, "figure_13_energy", "Figure 13", "energy of a run", "J", lambda run: run.energy_j, joules,
        lambda series: series.mean_energy_j,
    )  # fmt: skip
    if drawing is None:
        return Section(anchor="energy", title="Energy")
    sources = sorted({way.series.energy_source for way in ways if way.series.mean_energy_j is not None})
    return Section(
        anchor="energy",
        title="Energy",
        text=(f"Energy that the device took above its idle draw, {' and '.join(sources)}.",),
        drawings=(drawing,),
    )
