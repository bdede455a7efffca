"""The picture of a log: what each path was predicted to take, what it took, and which one was chosen.

Needs matplotlib (the extra `report`), which is loaded by the functions.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offload_sdk._types import Estimate, Record
from offload_sdk.errors import ConfigurationError
from offload_sdk.report.picture import CLOUD_COLOURS, INK, LINES, LOCAL_COLOUR, MARKERS, blank, inline, save
from offload_sdk.report.runs import comparable_s, is_answered

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["decisions", "svg"]

MAX_IMAGES = 3000
_Z90 = 1.2815515655446004
_LEAST_GAP_S = 30.0


def decisions(
    rows: Iterable[Record],
    path: Path,
    *,
    title: str | None = None,
    phases: Sequence[tuple[float, str]] = (),
) -> None:
    """Write the picture to `path`, in the format of its suffix (`.png`, `.svg`, `.pdf`).

    Draws the last 3,000 images. `phases` names stretches of time to be told apart, each by its start in seconds
    after the first image drawn and lasting until the next. Raises `ConfigurationError` for no images, an unknown
    suffix or without matplotlib, `OffloadError` when the file cannot be written.
    """
    save(_figure(deque(rows, MAX_IMAGES), title, phases), path)


def svg(rows: Iterable[Record]) -> str:
    """Return the picture as an `<svg>` element to put into a page. Raises as `decisions` does."""
    return inline(_figure(deque(rows, MAX_IMAGES), None), "decisions")


def _figure(records: Iterable[Record], title: str | None, phases: Sequence[tuple[float, str]] = ()) -> Figure:
    records = sorted(records, key=lambda record: record.wall_s)
    if not records:
        raise ConfigurationError("the log holds no images, so there is nothing to draw")
    with blank(11.0, 6.2) as figure:
        grid = figure.add_gridspec(2, 1, height_ratios=(9, 1))
        times = figure.add_subplot(grid[0])
        strip = figure.add_subplot(grid[1], sharex=times)
        options = _options(records)
        scale, unit = _time_unit(records[-1].wall_s - records[0].wall_s)
        xs = [(record.wall_s - records[0].wall_s) / scale for record in records]
        gap = _gap(records) / scale
        drawn_ms: list[float] = []
        for index, option in enumerate(options):
            drawn_ms += _draw_option(times, option, _colour(option, index), index, records, xs, gap)
        _draw_strip(strip, options, records, xs)
        _draw_phases(times, strip, [(start_s / scale, name) for start_s, name in phases], xs[-1])
        heading = title or "Predicted and actual time of each path"
        times.set_title(heading, loc="left", fontweight="bold", pad=20.0 if phases else None)
        times.set_ylabel("time for one image (ms)")
        times.tick_params(labelbottom=False)
        times.grid(True, which="major", alpha=0.25)
        _scale_times(times, drawn_ms)
        strip.set_xlabel(f"time since the first image ({unit}); × where the chosen path gave no answer")
        handles, labels = times.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize="small")
        return figure


def _draw_option(
    axes: Axes,
    option: str,
    colour: str,
    index: int,
    records: Sequence[Record],
    xs: Sequence[float],
    gap: float,
) -> list[float]:
    """Draw the prediction of one option as line and band, and its runs as points; return the heights in ms."""
    marker, line = MARKERS[index % len(MARKERS)], LINES[index % len(LINES)]
    band = [
        (x, r.decision.predicted[option])
        for x, r in zip(xs, records, strict=True)
        if option in r.decision.predicted
    ]
    label = f"{option}: predicted mean, p10 to p90"
    heights: list[float] = []
    for piece in _pieces(band, gap):
        at = [x for x, _ in piece]
        means = [1e3 * estimate.latency_mean_s for _, estimate in piece]
        low, high = zip(*(_bounds_ms(estimate) for _, estimate in piece), strict=True)
        axes.plot(at, means, color=colour, linestyle=line, linewidth=1.4, label=label)
        axes.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
        heights += [*means, *high]
        label = "_"  # one entry of the legend for all pieces
    runs: dict[str, list[tuple[float, float]]] = {"answer": [], "shadow": [], "failed": []}
    for x, record in zip(xs, records, strict=True):
        for outcome in record.outcomes:
            if outcome.option != option or outcome.role == "probe" or outcome.status == "ignored":
                continue
            kind = "failed" if not is_answered(outcome) else "shadow" if outcome.role == "shadow" else "answer"
            runs[kind].append((x, 1e3 * comparable_s(outcome, record)))
    size = 26.0 if len(records) <= 300 else 9.0
    styles: dict[str, dict[str, Any]] = {
        "answer": {"marker": marker, "color": colour, "edgecolors": "white", "linewidths": 0.4},
        "shadow": {"marker": marker, "facecolors": "none", "edgecolors": colour, "linewidths": 0.9},
        "failed": {"marker": "x", "color": INK, "linewidths": 1.2},
    }
    words = {"answer": "actual", "shadow": "measured besides (shadow)", "failed": "failed or given up"}
    for kind, points in runs.items():
        if points:
            at, actual = [x for x, _ in points], [height for _, height in points]
            axes.scatter(at, actual, s=size, zorder=3, label=f"{option}: {words[kind]}", **styles[kind])
            heights += actual
    return heights


def _draw_strip(axes: Axes, options: Sequence[str], records: Sequence[Record], xs: Sequence[float]) -> None:
    """Mark for each image which option was chosen, and where local answered instead of it."""
    for index, option in enumerate(options):
        at = [x for x, record in zip(xs, records, strict=True) if record.decision.chosen == option]
        axes.scatter(at, [index] * len(at), marker="|", s=90, linewidths=1.6, color=_colour(option, index))
        fell = [
            x
            for x, record in zip(xs, records, strict=True)
            if record.decision.chosen == option and (record.fallback or record.path is None)
        ]
        axes.scatter(fell, [index] * len(fell), marker="x", s=28, linewidths=1.2, color=INK)
    axes.set_yticks(range(len(options)), [f"chose {option}" for option in options])
    axes.set_ylim(len(options) - 0.4, -0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, axis="x", alpha=0.25)


def _draw_phases(times: Axes, strip: Axes, phases: Sequence[tuple[float, str]], end: float) -> None:
    """Shade every second phase and write its name above it."""
    for index, (start, name) in enumerate(phases):
        stop = phases[index + 1][0] if index + 1 < len(phases) else end
        if stop <= start:
            continue
        if index % 2:
            for axes in (times, strip):
                axes.axvspan(start, stop, color=INK, alpha=0.05, linewidth=0, zorder=0)
        place = times.get_xaxis_transform()
        times.text((start + stop) / 2, 1.01, name, transform=place, ha="center", va="bottom", fontsize="small")


def _options(records: Iterable[Record]) -> list[str]:
    names = {name for record in records for name in (*record.decision.predicted, record.decision.chosen)}
    return sorted(names, key=lambda name: (name != "local", name))


def _colour(option: str, index: int) -> str:
    return LOCAL_COLOUR if option == "local" else CLOUD_COLOURS[(index - 1) % len(CLOUD_COLOURS)]


def _bounds_ms(estimate: Estimate) -> tuple[float, float]:
    """The 10th and 90th percentile of the predicted log-normal distribution."""
    mean_s, sd_s = estimate.latency.mean_s, estimate.latency.sd_s
    if mean_s <= 0.0 or sd_s <= 0.0:
        return 1e3 * mean_s, 1e3 * mean_s
    variance = math.log1p((sd_s / mean_s) ** 2)
    low_s = math.exp(math.log(mean_s) - 0.5 * variance - _Z90 * math.sqrt(variance))
    return 1e3 * low_s, 1e3 * estimate.latency_p90_s


def _time_unit(span_s: float) -> tuple[float, str]:
    for seconds, unit in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if span_s > 3.0 * seconds:
            return seconds, unit
    return 1.0, "s"


def _gap(records: Sequence[Record]) -> float:
    """The pause, in seconds, across which no line is drawn: the device was off or idle."""
    steps = sorted(later.wall_s - earlier.wall_s for earlier, later in pairwise(records))
    return max(_LEAST_GAP_S, 20.0 * steps[len(steps) // 2]) if steps else _LEAST_GAP_S


def _pieces(points: Sequence[tuple[float, Estimate]], gap: float) -> list[list[tuple[float, Estimate]]]:
    pieces: list[list[tuple[float, Estimate]]] = []
    for point in points:
        if not pieces or point[0] - pieces[-1][-1][0] > gap:
            pieces.append([])
        pieces[-1].append(point)
    return pieces


def _scale_times(axes: Axes, heights_ms: Iterable[float]) -> None:
    """A logarithmic axis where the times differ by more than a factor of eight."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    finite = [height for height in heights_ms if math.isfinite(height) and height > 0.0]
    if not finite or max(finite) <= 8.0 * min(finite):
        axes.set_ylim(bottom=0.0)
        return
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(base=10.0, subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
