"""The twelve charts on one page. Needs matplotlib, and is imported only when a picture is wanted. No arithmetic.

Colours are those of Okabe and Ito, which people with any colour vision tell apart; markers and line styles say
the same once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmarks.fog.cells import AXES, CHARTS, Chart
from benchmarks.fog.policies import DYNAMIC, OWN, STATIC
from benchmarks.fog.summary import Row

__all__ = ["draw_charts"]

_LOOK: dict[Any, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_SIZE_IN = (15.0, 8.2)
_STYLES: Mapping[str, tuple[str, str, str]] = {  # colour, line, marker
    DYNAMIC: ("#0072B2", "-", "^"),
    STATIC: ("#56B4E9", "--", "v"),  # over the other, which it often equals
    "fcfs": ("#000000", ":", "o"),
    "sjf": ("#E69F00", "-", "s"),
    "qos": ("#009E73", "-.", "D"),
    "edf": ("#CC79A7", "--", "P"),
    OWN: ("#D55E00", "-", "*"),
}
_NAMES = {
    STATIC: "the paper's, static τ",
    DYNAMIC: "the paper's, dynamic τ",
    "fcfs": "first come, first served",
    "sjf": "shortest job first",
    "qos": "QoS-based (shortest limit first)",
    "edf": "earliest deadline first",
    OWN: f"{OWN}, the server's default",
}
_METRICS = {
    "battery_percent": "battery success (%)",
    "signal_percent": "signal success (%)",
    "qos_percent": "QoS success (%)",
    "success_percent": "success in all three (%)",
    "wait_s": "mean wait (s)",
    "qoe_s": "QoE (s)",
}
_PLACES = {
    "requests": "requests",
    "machines": "virtual machines",
    "limit_s": "mean QoS limit (s)",
}


@rc_context(_LOOK)
def draw_charts(rows: Sequence[Row], path: Path) -> Path:
    """Write the picture, a row an axis, with 95 % intervals over seeds as bands; return its path."""
    figure = Figure(_SIZE_IN, layout="constrained")
    columns = max(sum(chart.axis == axis for chart in CHARTS) for axis in AXES)
    panels = figure.subplots(len(AXES), columns)
    for axis, line in zip(AXES, panels, strict=True):
        charts = [chart for chart in CHARTS if chart.axis == axis]
        for chart, axes in zip(charts, line, strict=False):
            _draw(axes, chart, [row for row in rows if row.chart == chart.number])
        for axes in line[len(charts) :]:
            axes.set_axis_off()
    handles, names = panels[0][0].get_legend_handles_labels()
    panels[-1][-2].legend(
        handles, names, loc="center", frameon=False, fontsize=11.0, title="bands: 95 % over seeds (simulated)"
    )
    figure.savefig(path, dpi=100, pil_kwargs={"optimize": True})
    return path


def _draw(axes: Axes, chart: Chart, rows: Sequence[Row]) -> None:
    drawn = dict.fromkeys(row.policy for row in rows)
    for policy, (colour, line, marker) in _STYLES.items():
        if policy not in drawn:
            continue
        own = [row for row in rows if row.policy == policy]
        xs, means = [row.x for row in own], [row.mean for row in own]
        halves = [row.ci or 0.0 for row in own]
        below = [mean - half for mean, half in zip(means, halves, strict=True)]
        above = [mean + half for mean, half in zip(means, halves, strict=True)]
        axes.fill_between(xs, below, above, color=colour, alpha=0.15, linewidth=0.0)
        axes.plot(
            xs,
            means,
            color=colour,
            linestyle=line,
            marker=marker,
            markersize=8.0 if policy == OWN else 4.5,
            linewidth=2.6 if policy == DYNAMIC else 1.4,
            label=_NAMES[policy],
        )
    if chart.metric.endswith("_percent"):
        axes.set_ylim(0.0, 104.0)
    elif chart.metric == "qoe_s":
        axes.axhline(0.0, color="#777777", linewidth=0.8)
    axes.set_title(f"{chart.number}  {_METRICS[chart.metric]}", loc="left")
    axes.set_xlabel(_PLACES[chart.axis])
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(True, alpha=0.25)
