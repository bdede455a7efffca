"""The picture of the trade: how far above the oracle each policy stays, and what it pays for that. No runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.policies.cells import AUTO, ENERGY_ORACLE, ORACLE, budget_of
from benchmarks.policies.drawing import BLUE, GREY, LOOK, RED, plain_ticks, save, spread
from benchmarks.policies.summary import FamilyRow

__all__ = ["draw_frontier"]

_NOT_SHOWN = (AUTO, ORACLE, ENERGY_ORACLE, "energy")
_RULES = ("local", "remote", "race", "best_fixed", "best_rtt_threshold")
_LEAST_PERCENT = 0.1
_LEFT_FRAC = 0.01  # below this share a name stands in the margin
_TICKS_PERCENT = (0, 2, 5, 10, 20, 30, 50, 75, 100)
_MARGIN = 3.9  # left of 0, for names; in square roots of percents, as the axis is scaled
_PANEL_IN = (6.6, 4.3)
_LABEL_GAP = 0.043  # of the panel's height


@rc_context(LOOK)
def draw_frontier(rows: Sequence[FamilyRow], folder: Path, heading: str) -> tuple[Path, ...]:
    """Write `frontier.png` and `.svg`: the mean latency above the oracle's against the share of duplicates.

    One panel per board and payload. `auto` under several budgets is a curve, every other policy a point.
    """
    boards = list(dict.fromkeys(row.board_ms for row in rows))
    payloads = list(dict.fromkeys(row.payload_bytes for row in rows))
    shown = [row for row in rows if row.policy not in _NOT_SHOWN]
    figure = Figure((_PANEL_IN[0] * len(payloads), _PANEL_IN[1] * len(boards) + 0.9), layout="constrained")
    panels = figure.subplots(len(boards), len(payloads), squeeze=False, sharex=True, sharey=True)
    heights = [_above_percent(row) for row in shown]
    limits = (0.6 * min(heights), 2.0 * max(heights))
    for axes_row, board_ms in zip(panels, boards, strict=True):
        for axes, payload_bytes in zip(axes_row, payloads, strict=True):
            _scale(axes, limits)
            axes.set_title(f"{board_ms:g} ms on the device, images of {payload_bytes / 1e3:g} KB", loc="left")
            here = [row for row in shown if (row.board_ms, row.payload_bytes) == (board_ms, payload_bytes)]
            _draw_points(axes, [row for row in here if budget_of(row.policy) is None])
            _draw_curve(axes, [row for row in here if budget_of(row.policy) is not None])
    figure.suptitle(heading, x=0.01, ha="left", fontweight="bold")
    for axes in panels[-1]:
        axes.set_xlabel("images on which both sides did work (%)")
    figure.supylabel("mean latency above the oracle's (%)")
    handles, names = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=len(names), frameon=False)
    return save(figure, folder, "frontier")


def _above_percent(row: FamilyRow) -> float:
    return max(100.0 * (row.mean_ratio - 1.0), _LEAST_PERCENT)


def _scale(axes: Axes, limits: tuple[float, float]) -> None:
    axes.set_xscale("function", functions=(_root, _square))
    axes.set_xlim(-_MARGIN, 100.0)
    axes.set_xticks(_TICKS_PERCENT, [f"{tick}" for tick in _TICKS_PERCENT])
    axes.set_yscale("log")
    axes.set_ylim(*limits)
    plain_ticks(axes.yaxis)
    axes.grid(True, alpha=0.25)


def _root(percents: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The square root, so that small shares stand apart; below 0 there are only names."""
    return np.where(percents < 0.0, percents, np.sqrt(np.abs(percents)))


def _square(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(places < 0.0, places, np.square(places))


def _draw_points(axes: Axes, rows: Sequence[FamilyRow]) -> None:
    for label, colour, marker, fixed in (
        ("published, learning", RED, "o", False),
        ("fixed, or best of its kind in hindsight", GREY, "s", True),
    ):
        _plot(axes, [row for row in rows if (row.policy in _RULES) == fixed], colour, marker, "none", label)
    _name_at_the_left(axes, [row for row in rows if row.duplicate_frac < _LEFT_FRAC])
    for row in rows:
        if row.duplicate_frac >= _LEFT_FRAC:
            axes.annotate(
                row.policy,
                (100.0 * row.duplicate_frac, _above_percent(row)),
                (5.0, 9.0) if row.duplicate_frac < 0.5 else (-6.0, 6.0),
                textcoords="offset points",
                ha="left" if row.duplicate_frac < 0.5 else "right",
                fontsize=9.0,
                color=_colour(row),
            )


def _name_at_the_left(axes: Axes, rows: Sequence[FamilyRow]) -> None:
    """Write the names in the margin, each with a line to its point as they have to make room for each other."""
    low, high = (math.log10(limit) for limit in axes.get_ylim())
    wanted = [(math.log10(_above_percent(row)) - low) / (high - low) for row in rows]
    at = (_MARGIN - 0.6) / (_MARGIN + 10.0)  # of the panel's width
    for row, height in zip(rows, spread(wanted, _LABEL_GAP), strict=True):
        axes.annotate(
            row.policy,
            (100.0 * row.duplicate_frac, _above_percent(row)),
            (at, height),
            textcoords="axes fraction",
            ha="right",
            va="center",
            fontsize=9.0,
            color=_colour(row),
            arrowprops={"arrowstyle": "-", "color": _colour(row), "linewidth": 0.6, "relpos": (1.0, 0.5)},
        )


def _colour(row: FamilyRow) -> str:
    return GREY if row.policy in _RULES else RED


def _draw_curve(axes: Axes, rows: Sequence[FamilyRow]) -> None:
    rows = sorted(rows, key=lambda row: budget_of(row.policy) or 0.0)
    _plot(axes, rows, BLUE, "D", "-", "auto; beside it its budget of duplicates")
    for row in rows:
        axes.annotate(
            f"{100.0 * (budget_of(row.policy) or 0.0):g} %",
            (100.0 * row.duplicate_frac, _above_percent(row)),
            (2.0, 4.0),
            textcoords="offset points",
            ha="left",
            va="bottom",
            fontsize=8.0,
            color=BLUE,
        )


def _plot(axes: Axes, rows: Sequence[FamilyRow], colour: str, marker: str, line: str, label: str) -> None:
    """Mark the points, with 95 % intervals over seeds."""
    xs = [100.0 * row.duplicate_frac for row in rows]
    heights = [_above_percent(row) for row in rows]
    halves = [100.0 * (row.mean_ratio_half or 0.0) for row in rows]
    below = [min(half, height - 0.01) for half, height in zip(halves, heights, strict=True)]
    axes.errorbar(xs, heights, (below, halves), fmt="none", ecolor=colour, elinewidth=0.9, alpha=0.35)
    axes.plot(xs, heights, marker=marker, linestyle=line, color=colour, markersize=5.0, clip_on=False, label=label)
