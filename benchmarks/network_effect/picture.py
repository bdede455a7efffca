"""The chart of the network's effect. Needs matplotlib, and is imported only when a picture is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.network_effect.cells import ROUND_TRIP_CELLS, TECHNOLOGY_CELLS, Findings, Point
from benchmarks.policies.drawing import BLACK, BLUE, GREEN, GREY, LOOK, RED, plain_ticks, save, spread

__all__ = ["draw"]

_SIZE_IN = (13.0, 4.6)
_UNNAMED_RTT_MS = 150.0  # its name would touch its neighbour's
_BOARD_LOOKS = ((BLUE, "o"), (GREEN, "s"), (RED, "D"), (GREY, "^"), (BLACK, "v"))


@rc_context(LOOK)
def draw(found: Findings, break_even_s: Mapping[str, Sequence[float]], folder: Path) -> tuple[Path, ...]:
    """Write `network-effect.png` and `.svg`; `break_even_s` holds a board's limits, by technology in order."""
    figure = Figure(_SIZE_IN, layout="constrained")
    by_rtt, by_rate, boards = figure.subplots(1, 3)
    by_rate.sharey(by_rtt)
    points = found.of(ROUND_TRIP_CELLS)
    _lines(by_rtt, [point.cell.link.rtt_ms for point in points], points, found)
    by_rtt.set_xscale("log")
    plain_ticks(by_rtt.xaxis)
    by_rtt.set_xticks([point.cell.link.rtt_ms for point in points if point.cell.link.rtt_ms != _UNNAMED_RTT_MS])
    by_rtt.set_xlabel("round trip (ms), at 10 Mbit/s")
    by_rtt.set_ylabel("mean time per image (s)")
    by_rtt.set_title("Measured: distance to the cloud", loc="left")
    points = found.of(TECHNOLOGY_CELLS)
    _lines(by_rate, list(range(len(points))), points, found)
    _technologies(by_rate, points)
    by_rate.set_title("Measured: rate of the link", loc="left")
    by_rtt.legend(loc="upper left", frameon=False)
    _boards(boards, points, break_even_s)
    return save(figure, folder, "network-effect")


def _lines(axes: Axes, places: Sequence[float], points: Sequence[Point], found: Findings) -> None:
    whole, sent = found.image_bytes / 1e3, points[0].sdk_bytes / 1e3
    originals_s, sdk_s = ([getattr(point, name) for point in points] for name in ("original_s", "sdk_s"))
    axes.plot(
        places, originals_s, color=RED, marker="s", linestyle="--", label=f"the file as it is, {whole:.0f} kB"
    )
    axes.plot(places, sdk_s, color=BLUE, marker="o", label=f"as the SDK sends it, {sent:.0f} kB")
    axes.axhline(found.local_s, color=BLACK, linestyle=":", label="on this machine, nothing sent")
    axes.set_yscale("log")
    plain_ticks(axes.yaxis)
    axes.grid(True, alpha=0.25)


def _technologies(axes: Axes, points: Sequence[Point]) -> None:
    axes.set_xticks(
        range(len(points)), [f"{point.cell.name}\n{_rate(point.cell.link.rate_mbps)}" for point in points]
    )
    axes.set_xlabel(f"technology and mean rate (bit/s), round trip {points[0].cell.link.rtt_ms:g} ms")


def _rate(mbps: float) -> str:
    return f"{mbps / 1e3:g} G" if mbps >= 1e3 else f"{mbps:g} M" if mbps >= 1.0 else f"{1e3 * mbps:g} k"


def _boards(axes: Axes, points: Sequence[Point], break_even_s: Mapping[str, Sequence[float]]) -> None:
    """Lines of what is above 0 only: below it the board is faster at any distance."""
    ends = {}
    for (board, values_s), (colour, marker) in zip(break_even_s.items(), _BOARD_LOOKS, strict=True):
        shown = [(place, 1e3 * value_s) for place, value_s in enumerate(values_s) if value_s > 0.0]
        if shown:
            axes.plot(*zip(*shown, strict=True), color=colour, marker=marker)
            ends[board] = (shown[-1], colour)
    top = max((value for (_, value), _ in ends.values()), default=1.0)
    for (board, ((place, _), colour)), at in zip(
        ends.items(), spread([value for (_, value), _ in ends.values()], 0.06 * top), strict=True
    ):
        axes.annotate(board, (place + 0.12, at), va="center", color=colour, annotation_clip=False)
    axes.set_ylim(0.0, 1.08 * top)
    axes.set_xlim(-0.3, len(points) - 0.1)
    _technologies(axes, points)
    axes.set_xlabel("technology and mean rate (bit/s)")
    axes.set_ylabel("round trip up to which the cloud is faster (ms)")
    axes.set_title("Modelled: below a board's line the cloud wins", loc="left")
    axes.grid(True, alpha=0.25)
    never = [board for board in break_even_s if board not in ends]
    if never:
        axes.text(
            0.03, 0.95, f"never the cloud: {', '.join(never)}", transform=axes.transAxes, va="top", color=GREY
        )
