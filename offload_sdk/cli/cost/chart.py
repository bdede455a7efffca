"""The picture of monthly cost against arrival rate, with the rates at which another platform becomes cheapest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from offload_sdk.cli.cost.question import Answer
from offload_sdk.pricing.compare import cost_curve
from offload_sdk.pricing.platform import Platform
from offload_sdk.report.picture import CLOUD_COLOURS, INK, LINES, LOCAL_COLOUR, blank, save

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["draw"]

_COLOURS = (LOCAL_COLOUR, *CLOUD_COLOURS)  # nothing here is the device's, so its colour is free
_POINTS = 600
_DECADES_OF_LABEL = 0.06
"""Labels of break points that are nearer to each other would overlap."""


def draw(answer: Answer, path: Path) -> None:
    """Write the picture in the format of the path's suffix. Raises as `offload_sdk.report.picture.save` does."""
    rate = answer.question.load.images_per_s
    low, high = min(rate, 1.0) / 30.0, max(rate, 1.0) * 30.0
    with blank(10.0, 6.0) as figure:
        from matplotlib.ticker import FuncFormatter

        axes = figure.add_subplot()
        _draw_curves(axes, answer, low, high)
        axes.set(xscale="log", yscale="log", xlim=(low, high))
        axes.axvline(rate, color=INK, linewidth=1.0)
        axes.annotate(f" {rate:g}/s asked for", (rate, 0.96), xycoords=("data", "axes fraction"), fontsize="small")
        _mark_changes(axes, answer, low, high)
        axes.set_xlabel("images a second while the cameras are on")
        axes.set_ylabel("US dollars a month")
        axes.set_title("Monthly cost by platform; dotted where another becomes the cheapest", loc="left")
        axes.grid(True, which="both", alpha=0.2)
        plain = FuncFormatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_major_formatter(plain)
        axes.yaxis.set_major_formatter(plain)
        axes.yaxis.set_minor_formatter(plain)
        axes.tick_params(axis="y", which="minor", labelsize="x-small")
        figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    save(figure, path)


def _draw_curves(axes: Axes, answer: Answer, low: float, high: float) -> None:
    question = answer.question
    rates = [low * (high / low) ** (index / (_POINTS - 1)) for index in range(_POINTS)]
    for index, platform in enumerate(_drawn(answer)):
        usd = cost_curve(platform, question.load, question.prices, question.operation, question.overheads)
        axes.plot(
            rates,
            [usd(each) for each in rates],
            color=_COLOURS[index],
            linestyle=LINES[index],
            label=f"{platform.name}: {platform.title}{', at best' if platform.best_case else ''}",
        )


def _mark_changes(axes: Axes, answer: Answer, low: float, high: float) -> None:
    labelled = 0.0
    for change in answer.changes:
        at = change.images_per_s
        if not low <= at <= high:
            continue
        axes.axvline(at, color=INK, alpha=0.5, linewidth=0.8, linestyle=":")
        if at > labelled * 10.0**_DECADES_OF_LABEL:
            axes.annotate(
                f"{change.after} above {at:.3g}",
                (at, 0.02),
                xycoords=("data", "axes fraction"),
                rotation=90,
                verticalalignment="bottom",
                horizontalalignment="right",
                fontsize="x-small",
            )
            labelled = at


def _drawn(answer: Answer) -> list[Platform]:
    """Return the candidates that are the cheapest somewhere, then the others by cost, as many as have colours."""
    somewhere = {name for change in answer.changes for name in (change.before, change.after)}
    names = {platform.name for platform in answer.question.candidates}
    offered = [offer.platform for offer in answer.offers if offer.platform.name in names]
    return sorted(offered, key=lambda platform: platform.name not in somewhere)[: len(_COLOURS)]
