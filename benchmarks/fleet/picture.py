"""The source's figures 3 to 6 as pictures, each by itself and all on one page. No arithmetic on results.

Needs matplotlib, and is imported only when pictures are wanted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from benchmarks.fleet.runs import Objective
from benchmarks.fleet.summary import Point
from benchmarks.policies.drawing import BLACK, BLUE, GREEN, LOOK, RED

__all__ = ["draw"]

_LOOKS: Mapping[str, tuple[str, str, str]] = {  # colour, line, marker
    "2G": (BLACK, "-", "o"),
    "3G": ("#E69F00", "--", "s"),
    "4G": (BLUE, "-", "^"),
    "5G": (GREEN, "-.", "D"),
    "6G": (RED, "--", "v"),
    "mbd": ("#CC79A7", "-", "P"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Panel:
    title: str
    metric: str
    objective: Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A figure: two panels side by side on one scale. `factor` brings the metric to the label's unit."""

    number: int
    name: str
    label: str
    factor: float
    panels: tuple[_Panel, _Panel]
    logarithmic: bool = False


def _by_objective(metric: str) -> tuple[_Panel, _Panel]:
    return (
        _Panel(title="least cost", metric=metric, objective="cost"),
        _Panel(title="least delay", metric=metric, objective="delay"),
    )


_LINES = (
    _Line(
        number=3,
        name="acceptance",
        label="devices served (%)",
        factor=100.0,
        panels=(
            _Panel(title="with clouds on demand", metric="acceptance_frac", objective="delay"),
            _Panel(title="without clouds on demand", metric="local_acceptance_frac", objective="delay"),
        ),
    ),
    _Line(
        number=4,
        name="delay",
        label="mean delay (ms)",
        factor=1e3,
        panels=_by_objective("mean_delay_s"),
        logarithmic=True,
    ),
    _Line(
        number=5,
        name="cost",
        label="cost (USD/h)",
        factor=1.0,
        panels=_by_objective("cost_usd_per_h"),
        logarithmic=True,
    ),
    _Line(
        number=6,
        name="time",
        label="time to plan (ms of CPU)",
        factor=1e3,
        panels=_by_objective("cpu_s"),
        logarithmic=True,
    ),
)


@rc_context(LOOK)
def draw(points: Sequence[Point], folder: Path) -> list[Path]:
    """Write `fleet-NAME.png` for each figure and `fleet.png` with all of them; return the paths."""
    paths = [_page([line], points, folder / f"fleet-{line.name}.png") for line in _LINES]
    return [*paths, _page(_LINES, points, folder / "fleet.png")]


def _page(lines: Sequence[_Line], points: Sequence[Point], path: Path) -> Path:
    figure = Figure((9.0, 0.4 + 3.2 * len(lines)), layout="constrained")
    rows = figure.subplots(len(lines), 2, sharex=True, sharey="row", squeeze=False)
    for line, row in zip(lines, rows, strict=True):
        for panel, axes in zip(line.panels, row, strict=True):
            _draw(axes, line, panel, points)
        row[0].set_ylabel(line.label)
    for axes in rows[-1]:
        axes.set_xlabel("devices, |S|")
    handles, names = rows[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper center", ncols=len(names), frameon=False, handlelength=3.0)
    figure.savefig(path, dpi=100, pil_kwargs={"optimize": True})
    return path


def _draw(axes: Axes, line: _Line, panel: _Panel, points: Sequence[Point]) -> None:
    for scenario, (colour, style, marker) in _LOOKS.items():
        own = [
            point
            for point in points
            if (point.metric, point.objective, point.scenario) == (panel.metric, panel.objective, scenario)
        ]
        xs = [point.devices for point in own]
        means = [line.factor * point.mean for point in own]
        low, high = ([line.factor * getattr(point, end) for point in own] for end in ("low", "high"))
        axes.fill_between(xs, low, high, color=colour, alpha=0.15, linewidth=0.0)
        axes.plot(xs, means, color=colour, linestyle=style, marker=marker, markersize=4.5, label=scenario)
    if line.logarithmic:
        axes.set_yscale("log")
        subs = (1.0, 2.0, 5.0) if line.name == "cost" else (1.0,)  # over little more than a decade
        axes.yaxis.set_major_locator(LogLocator(subs=subs))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_title(f"{line.number}  {panel.title}", loc="left")
    axes.set_xticks(sorted({point.devices for point in points}))
    axes.grid(True, alpha=0.25)
