"""The thesis's figures 7, 8 and 9, and energy in the same form: a bar per way, whiskers of one standard deviation
over the runs, the value above it."""

from __future__ import annotations

import statistics
import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from offload_sdk.baseline.report.numbers import column, rounded
from offload_sdk.baseline.report.ways import Way
from offload_sdk.baseline.summary import Run
from offload_sdk.report.picture import INK, blank

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["bars"]

_BAR_IN = 1.25
_LABEL_CHARACTERS = 15


def bars(ways: Sequence[Way], value: Callable[[Run], float | None], label: str, unit: str) -> Figure | None:
    """Draw the mean of `value` over each way's runs. None where no run has it; ways without it are left out.

    `unit` is that of the values: `s` is shown as ms where all are below one second.
    """
    known: list[tuple[Way, list[float]]] = []
    for way in ways:
        values = [v for v in map(value, way.series.runs) if v is not None]
        if values and len(values) == len(way.series.runs):
            known.append((way, values))
    if not known:
        return None
    scale, unit = (1e3, "ms") if unit == "s" and max(max(v) for _, v in known) < 1.0 else (1.0, unit)
    with blank(max(4.2, 1.3 + _BAR_IN * len(known)), 3.6) as figure:
        axes = figure.add_subplot()
        means = [scale * statistics.fmean(values) for _, values in known]
        for place, ((way, values), mean, shown) in enumerate(
            zip(known, means, column(means, least=0), strict=True)
        ):
            sd = scale * statistics.stdev(values) if len(values) > 1 else 0.0
            axes.bar(
                place,
                mean,
                width=0.62,
                yerr=sd or None,
                facecolor="none" if way.hollow else way.colour,
                edgecolor=way.colour,
                linewidth=2.5,
                error_kw={"ecolor": INK, "elinewidth": 1.2, "capsize": 5.0, "capthick": 1.2},
            )
            axes.annotate(
                shown + (f"\n± {rounded(sd, 2)}" if sd else ""),
                (place, mean + sd),
                xytext=(0, 4),
                textcoords="offset points",
                ha="center",
                va="bottom",
            )
        names = ["\n".join(textwrap.wrap(way.name, _LABEL_CHARACTERS)) for way, _ in known]
        axes.set_xticks(range(len(known)), names)
        axes.set_xlim(-0.6, len(known) - 0.4)
        axes.tick_params(axis="x", length=0)
        axes.margins(y=0.2)
        axes.set_ylim(bottom=0.0)
        axes.set_ylabel(f"{label} ({unit})")
        return figure
