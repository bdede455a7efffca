"""Which platform costs least at an arrival rate, and the rates at which that changes. Prices nothing itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["BreakPoint", "Curve", "break_points", "cheapest"]

_GRID = 8
"""Points between two steps at which the order of the curves is looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A platform's monthly cost over the arrival rate: smooth but for jumps just above each of `steps`."""

    usd: Callable[[float], float]
    steps: Sequence[float] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakPoint:
    """Up to `images_per_s` the platform `before` costs least, above it `after`."""

    images_per_s: float
    before: str
    after: str


def cheapest(curves: Mapping[str, Curve], images_per_s: float) -> str:
    """Return the name of the curve that is least there; of equals the first."""
    return min(curves, key=lambda name: curves[name].usd(images_per_s))


def break_points(curves: Mapping[str, Curve], low: float, high: float) -> list[BreakPoint]:
    """Return all rates from `low` (above 0) to `high`, ascending, at which another curve becomes the least.

    The order of the curves is looked at on both sides of every step and at some points in between; a change is
    then closed in by halving until no number is left between its two sides. Two changes between neighbouring
    points that undo each other are missed; curves that are straight between their steps make none.
    """
    edges = sorted({low, high, *(step for curve in curves.values() for step in curve.steps if low < step < high)})
    points = set(edges)
    for left, right in pairwise(edges):
        stride = (right - left) / _GRID
        points.update((math.nextafter(left, right), *(left + stride * index for index in range(1, _GRID))))
    rates = sorted(points)  # steps of two curves may be neighbouring numbers, with nothing in between
    names = [cheapest(curves, rate) for rate in rates]
    found: list[BreakPoint] = []
    for (lower, here), (upper, there) in pairwise(zip(rates, names, strict=True)):
        while here != there:
            lower, beyond = _last_of(curves, here, lower, upper)
            after = cheapest(curves, beyond)
            found.append(BreakPoint(images_per_s=lower, before=here, after=after))
            lower, here = beyond, after
    return found


def _last_of(curves: Mapping[str, Curve], name: str, lower: float, upper: float) -> tuple[float, float]:
    """Return two neighbouring numbers, of which only the first has this curve as its least; `lower` has it."""
    while lower < (middle := lower + (upper - lower) / 2.0) < upper:
        if cheapest(curves, middle) == name:
            lower = middle
        else:
            upper = middle
    return lower, upper
