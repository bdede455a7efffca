"""The break-even curves. Draws what `breakeven` solves; no solving here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from offload_sdk.baseline.report.breakeven import Board, Cloud
from offload_sdk.baseline.report.inputs import Inputs
from offload_sdk.baseline.report.numbers import size
from offload_sdk.report.picture import CLOUD_COLOURS, INK, LINES, LOCAL_COLOUR, blank

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["RTTS_S", "round_trips", "sizes"]

RTTS_S = (0.01, 0.05)
_BYTES_PER_MBIT = 1e6 / 8.0
_LOW_MBPS, _HIGH_MBPS, _STEPS = 0.1, 1000.0, 250
_TECHNOLOGIES = ((1.0, "3G"), (10.0, "4G"), (120.0, "5G"), (1000.0, "6G"))  # mean rates as the studies take them
_LEAST_BYTES, _MOST_BYTES = 2e3, 2e7
_COLOURS = (LOCAL_COLOUR, *CLOUD_COLOURS)


def round_trips(inputs: Inputs, links: Sequence[tuple[float, float]] = ()) -> Figure:
    """Draw the round trip below which the cloud wins, over the uplink's rate, a line per board.

    `links` are the measured ones: round trip in s, rate in byte/s.
    """
    with blank(7.5, 4.2) as figure:
        panels = figure.subplots(1, 2, sharey=True)
        titles = ("The SDK's payload", f"The original file, {size(inputs.size_bytes)}")
        for axes, cloud, title in zip(panels, inputs.clouds, titles, strict=True):
            never: list[str] = []
            for place, board in enumerate(inputs.boards):
                points = [
                    (mbps, cloud.rtt_s(board, inputs.size_bytes, mbps * _BYTES_PER_MBIT)) for mbps in _rates()
                ]
                known = [(mbps, 1e3 * rtt_s) for mbps, rtt_s in points if rtt_s is not None]
                axes.plot([mbps for mbps, _ in known], [rtt for _, rtt in known], **_line(place, board))
                never += [] if known else [board.name]
            _tell_never(axes, never)
            if links:
                axes.plot(
                    [rate / _BYTES_PER_MBIT for _, rate in links],
                    [1e3 * rtt_s for rtt_s, _ in links],
                    linestyle="none", marker="*", markersize=11.0, color=INK, label="measured links",
                )  # fmt: skip
            _rate_axis(axes)
            axes.set_title(title, fontsize="medium", pad=18.0)
        panels[0].set_ylim(bottom=0.0)
        panels[0].set_ylabel("round trip below which\nthe cloud is faster (ms)")
        _legend(figure, panels)
        return figure


def sizes(inputs: Inputs) -> Figure:
    """Draw the largest original file for which the cloud wins, over the uplink's rate, a line per board."""
    cloud = next(cloud for cloud in inputs.clouds if cloud.payload == "original")
    with blank(7.5, 4.2) as figure:
        panels = figure.subplots(1, len(RTTS_S), sharey=True)
        for axes, rtt_s in zip(panels, RTTS_S, strict=True):
            never: list[str] = []
            for place, board in enumerate(inputs.boards):
                known = _largest(cloud, board, rtt_s)
                axes.plot([mbps for mbps, _ in known], [kb for _, kb in known], **_line(place, board))
                never += [] if known else [board.name]
            _tell_never(axes, never)
            _rate_axis(axes)
            axes.set_yscale("log")
            axes.set_ylim(_LEAST_BYTES / 1e3, _MOST_BYTES / 1e3)
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
            axes.set_title(f"Round trip {1e3 * rtt_s:.0f} ms", fontsize="medium", pad=18.0)
        panels[0].set_ylabel("original file below which\nthe cloud is faster (kB)")
        _legend(figure, panels)
        return figure


def _largest(cloud: Cloud, board: Board, rtt_s: float) -> list[tuple[float, float]]:
    """Return (Mbit/s, kB) where the cloud wins below a size. A line ends at the top where it wins for any."""
    found: list[tuple[float, float]] = []
    for mbps in _rates():
        won = cloud.size(board, rtt_s, mbps * _BYTES_PER_MBIT)
        if won.side == "below" and won.size_bytes >= _LEAST_BYTES:
            found.append((mbps, won.size_bytes / 1e3))
    return found


def _rates() -> list[float]:
    ratio = _HIGH_MBPS / _LOW_MBPS
    return [_LOW_MBPS * ratio ** (step / _STEPS) for step in range(_STEPS + 1)]


def _rate_axis(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_xlim(_LOW_MBPS, _HIGH_MBPS)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.6g}")
    axes.set_xlabel("uplink (Mbit/s)")
    axes.grid(alpha=0.25)
    for mbps, name in _TECHNOLOGIES:
        axes.axvline(mbps, color=INK, alpha=0.35, linewidth=0.8, linestyle=":")
        axes.text(
            mbps, 1.02, name, transform=axes.get_xaxis_transform(), ha="center", va="bottom", fontsize="small"
        )


def _tell_never(axes: Axes, boards: Sequence[str]) -> None:
    if boards:
        told = "\n".join(["never:", *boards])
        axes.text(0.03, 0.97, told, transform=axes.transAxes, ha="left", va="top", fontsize="small")


def _line(place: int, board: Board) -> dict[str, Any]:
    return {
        "color": _COLOURS[place % len(_COLOURS)],
        "linestyle": LINES[place % len(LINES)],
        "linewidth": 1.8,
        "label": board.name,
    }


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """One legend for all panels, which have the same lines."""
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize="small")
