"""Pictures of the single measurements: how times are distributed, how they grow with the file, how they drift."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from offload_sdk.baseline.measurement import Measurement
from offload_sdk.baseline.report.ways import Way, measured
from offload_sdk.report.picture import INK, LINES, MARKERS, blank
from offload_sdk.report.spread import quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["distribution", "drift", "over_size"]

_MOST_POINTS = 400  # of a way; more would only cover each other
_MOST_STEPS = 400  # of a curve
_SIZE_BINS = 12
_DRIFT_BINS = 30
_LEAST_IN_BIN = 3
_Item = TypeVar("_Item")


def distribution(ways: Sequence[Way], measurements: Sequence[Measurement]) -> Figure | None:
    """Draw the share of images that were answered within a time, per way."""
    known = _answered(ways, measurements)
    if not known:
        return None
    with blank(7.5, 3.8) as figure:
        axes = figure.add_subplot()
        for way, answered in known:
            times_ms = sorted(1e3 * m.latency_s for m in answered)
            steps = min(len(times_ms), _MOST_STEPS)
            shares = [step / steps for step in range(steps + 1)]
            axes.plot(
                [quantile(times_ms, share) for share in shares], [100.0 * share for share in shares], **_line(way)
            )
        _decades(axes, "x", [m.latency_s * 1e3 for _, answered in known for m in answered])
        axes.set_ylim(0.0, 100.0)
        axes.set_xlabel("time of an image (ms)")
        axes.set_ylabel("images answered within it (%)")
        axes.grid(alpha=0.25)
        _legend(figure, axes)
        return figure


def over_size(ways: Sequence[Way], measurements: Sequence[Measurement]) -> Figure | None:
    """Draw the time of an image against the size of its file: some points, and the medians of sizes alike."""
    known = _answered(ways, measurements)
    if not known:
        return None
    with blank(7.5, 4.2) as figure:
        axes = figure.add_subplot()
        for way, answered in known:
            answered = sorted(answered, key=lambda m: m.image_bytes)
            few = answered[:: -(-len(answered) // _MOST_POINTS)]
            axes.scatter(
                [m.image_bytes / 1e3 for m in few],
                [m.latency_s * 1e3 for m in few],
                s=7.0,
                marker=MARKERS[way.place % len(MARKERS)],
                color=way.colour,
                alpha=0.22,
                linewidths=0,
            )
            bins = [piece for piece in _of_sizes_alike(answered) if len(piece) >= _LEAST_IN_BIN]
            axes.plot(
                [_median([m.image_bytes / 1e3 for m in piece]) for piece in bins],
                [_median([m.latency_s * 1e3 for m in piece]) for piece in bins],
                marker=MARKERS[way.place % len(MARKERS)],
                markersize=5.0,
                **_line(way),
            )
        _decades(axes, "x", [m.image_bytes / 1e3 for _, answered in known for m in answered])
        _decades(axes, "y", [m.latency_s * 1e3 for _, answered in known for m in answered])
        axes.set_xlabel("size of the image's file (kB)")
        axes.set_ylabel("time of an image (ms)")
        axes.grid(alpha=0.25)
        _legend(figure, axes)
        return figure


def drift(ways: Sequence[Way], measurements: Sequence[Measurement]) -> Figure | None:
    """Draw how much longer or shorter images took than the same images did on the average, in the order of time.

    With one run, than images of about the same size did.
    """
    known = _answered(ways, measurements)
    if not known:
        return None
    lengths: dict[int, int] = {}
    for m in measurements:
        lengths[m.run] = max(lengths.get(m.run, 0), m.position + 1)
    runs = sorted(lengths)
    starts = dict(zip(runs, accumulate((lengths[run] for run in runs), initial=0), strict=False))
    with blank(7.5, 3.6) as figure:
        axes = figure.add_subplot()
        for way, answered in known:
            usual_s = _usual_s(answered)
            label: str | None = way.name
            for run in runs:
                own = sorted((m for m in answered if m.run == run), key=lambda m: m.position)
                bins = _pieces(own, max(_DRIFT_BINS // len(runs), 4))
                axes.plot(
                    [starts[run] + _median([m.position for m in piece]) for piece in bins],
                    [_median([100.0 * (m.latency_s / usual_s[m.image] - 1.0) for m in piece]) for piece in bins],
                    **{
                        **_line(way),
                        "label": label,
                        "marker": MARKERS[way.place % len(MARKERS)],
                        "markersize": 3.5,
                    },
                )
                label = None
        for run in runs:
            axes.axvline(starts[run], color=INK, alpha=0.3, linewidth=0.8)
            place = axes.get_xaxis_transform()
            axes.text(
                starts[run] + lengths[run] / 2, 1.02, f"run {run}", transform=place, ha="center", va="bottom"
            )
        axes.axhline(0.0, color=INK, linewidth=0.8)
        axes.set_xlabel("measurements, in the order in which they were made")
        axes.set_ylabel("longer than usual (%)")
        axes.grid(alpha=0.25, axis="y")
        _legend(figure, axes)
        return figure


def _answered(ways: Sequence[Way], measurements: Sequence[Measurement]) -> list[tuple[Way, list[Measurement]]]:
    pairs = [(way, [m for m in measured(way, measurements) if m.failure is None]) for way in ways]
    return [(way, answered) for way, answered in pairs if answered]


def _usual_s(answered: Sequence[Measurement]) -> dict[str, float]:
    """Return the mean time of each image, or with one run that of its neighbours in size."""
    groups: dict[str, list[Measurement]] = {}
    for m in answered:
        groups.setdefault(m.image, []).append(m)
    if max(map(len, groups.values())) > 1:
        return {image: fmean(m.latency_s for m in group) for image, group in groups.items()}
    alike = _of_sizes_alike(answered)
    return {m.image: _median([m.latency_s for m in piece]) for piece in alike for m in piece}


def _of_sizes_alike(answered: Sequence[Measurement]) -> list[list[Measurement]]:
    """Group by the file's size, ascending; what is of one size stays together."""
    pieces = _pieces(sorted({m.image_bytes for m in answered}), _SIZE_BINS)
    place = {size: number for number, sizes in enumerate(pieces) for size in sizes}
    found: list[list[Measurement]] = [[] for _ in pieces]
    for m in answered:
        found[place[m.image_bytes]].append(m)
    return found


def _line(way: Way) -> dict[str, Any]:
    return {"color": way.colour, "linestyle": LINES[way.place % len(LINES)], "linewidth": 1.8, "label": way.name}


def _legend(figure: Figure, axes: Axes) -> None:
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=3, fontsize="small")


def _decades(axes: Axes, side: Literal["x", "y"], values: Sequence[float]) -> None:
    """A logarithmic axis with plain numbers: 1, 2, 5, 10, …"""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis = axes.xaxis if side == "x" else axes.yaxis
    (axes.set_xscale if side == "x" else axes.set_yscale)("log")
    wide = max(values) > 300.0 * min(values)
    axis.set_major_locator(LogLocator(base=10.0, subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.6g}"))
    axis.set_minor_formatter(NullFormatter())


def _pieces(ordered: Sequence[_Item], count: int) -> list[Sequence[_Item]]:
    """Cut into so many pieces of about the same length; none is empty."""
    cuts = [round(place * len(ordered) / count) for place in range(count + 1)]
    return [ordered[low:high] for low, high in pairwise(cuts) if high > low]


def _median(values: Sequence[float]) -> float:
    return quantile(sorted(values), 0.5)
