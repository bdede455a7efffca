"""The picture of a run: prediction, truth and decision over time, above the link they are about. No runs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.policies.drawing import BLACK, BLUE, GREEN, GREY, LOOK, RED, plain_ticks, save
from benchmarks.policies.scene import Scene
from benchmarks.policies.trail import Step
from offload_sdk._types import OptionPath

__all__ = ["draw_timeline"]

_COLOURS: dict[OptionPath, str] = {"remote": RED, "local": BLUE}
_MOST_MS = 10_000.0
_NO_RATE_MBPS = 0.01  # where a stall is drawn


@rc_context(LOOK)
def draw_timeline(scene: Scene, steps: Sequence[Step], folder: Path, name: str, heading: str) -> tuple[Path, ...]:
    """Write `name.png` and `.svg`: per side the expected mean, its band from p10 to p90 and the true times."""
    figure = Figure((14.0, 8.8), layout="constrained")
    grid = figure.add_gridspec(3, 1, height_ratios=(10, 1.8, 2.6))
    times = figure.add_subplot(grid[0])
    strip = figure.add_subplot(grid[1], sharex=times)
    link = figure.add_subplot(grid[2], sharex=times)
    for path in _COLOURS:
        _draw_side(times, path, steps)
    _scale_times(times, steps)
    _draw_choices(strip, steps)
    _draw_link(link, scene, steps[-1].started_s)
    for axes in (times, strip):
        axes.tick_params(labelbottom=False)
    link.set_xlabel("time since the start (s)")
    link.set_xlim(0.0, steps[-1].started_s)
    figure.suptitle(heading, x=0.01, ha="left", fontweight="bold")
    handles, labels = times.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    return save(figure, folder, name)


def _draw_side(axes: Axes, path: OptionPath, steps: Sequence[Step]) -> None:
    xs = [step.started_s for step in steps]
    bands = [step.expected[path] for step in steps]
    colour = _COLOURS[path]
    axes.fill_between(
        xs,
        [1e3 * band.p10_s for band in bands],
        [1e3 * band.p90_s for band in bands],
        color=colour,
        alpha=0.22,
        linewidth=0.0,
        label=f"{path}: expected, p10 to p90",
    )
    axes.plot(
        xs,
        [1e3 * band.mean_s for band in bands],
        "-" if path == "remote" else "--",
        color=colour,
        linewidth=1.2,
        label=f"{path}: expected mean",
    )
    axes.plot(
        xs,
        [min(1e3 * step.truth[path == "remote"], _MOST_MS) for step in steps],
        "o" if path == "remote" else "s",
        color=colour,
        markersize=3.0,
        markeredgecolor="white",
        markeredgewidth=0.3,
        linestyle="none",
        label=f"{path}: what it would have taken (more than {_MOST_MS / 1e3:g} s: at {_MOST_MS / 1e3:g} s)",
    )


def _scale_times(axes: Axes, steps: Sequence[Step]) -> None:
    drawn_ms = [
        1e3 * time_s
        for step in steps
        for time_s in (*step.truth[:2], *(band.mean_s for band in step.expected.values()))
    ]
    axes.set_yscale("log")
    axes.set_ylim(0.7 * min(drawn_ms), 1.3 * min(max(drawn_ms), _MOST_MS))
    plain_ticks(axes.yaxis)
    axes.grid(True, alpha=0.25)
    axes.set_ylabel("time until the answer (ms)")


def _draw_choices(axes: Axes, steps: Sequence[Step]) -> None:
    axes.set_title(
        "where each image started; the colour is that of the side that answered", loc="left", fontsize=9.0
    )
    rows = ("both sides", "local first", "remote first")
    both_s = [step.started_s for step in steps if step.duplicate]
    axes.scatter(both_s, [0.0] * len(both_s), s=80.0, c=BLACK, marker="|")
    axes.scatter(
        [step.started_s for step in steps],
        [2.0 if step.first == "remote" else 1.0 for step in steps],
        s=80.0,
        c=[_COLOURS[step.path] for step in steps],
        marker="|",
    )
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(-0.6, 2.6)


def _draw_link(axes: Axes, scene: Scene, until_s: float) -> None:
    edges_s = [0.0, *_changes_s(scene, until_s), until_s]
    samples = [scene.link.at(scene.origin_s + edge_s) for edge_s in edges_s]
    axes.step(
        edges_s,
        [max(sample.uplink_mbps, _NO_RATE_MBPS) for sample in samples],
        where="post",
        color=GREY,
        linewidth=1.2,
    )
    axes.set_yscale("log")
    axes.set_yticks((_NO_RATE_MBPS, 0.1, 1.0, 10.0, 100.0), ("0", "0.1", "1", "10", "100"))
    axes.minorticks_off()
    axes.set_ylabel("uplink (Mbit/s)")
    rtt = axes.twinx()
    rtt.step(edges_s, [sample.rtt_ms for sample in samples], where="post", color=GREEN, linewidth=1.2)
    rtt.set_ylabel("round trip (ms)", color=GREEN)
    rtt.tick_params(axis="y", colors=GREEN)
    rtt.spines["right"].set_visible(True)
    rtt.set_ylim(bottom=0.0)


def _changes_s(scene: Scene, until_s: float) -> list[float]:
    """When the link changes, in the time of the images."""
    link, changes_s = scene.link, []
    period_s = link.duration_s if link.repeat else math.inf
    start_s = -(scene.origin_s % period_s)
    while start_s < until_s:
        changes_s += [start_s + sample.t_s for sample in link.samples if 0.0 < start_s + sample.t_s < until_s]
        start_s += period_s
    return changes_s
