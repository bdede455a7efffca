"""Statistics of a list of numbers: count, mean, quantiles. Pure, without NumPy: a report runs on any device."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Spread", "quantile", "spread_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How values are distributed; all but `count` are None when there are none."""

    count: int
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the quantile of sorted values, interpolated linearly between neighbours (R's type 7).

    `share` is 0..1. Raises `ValueError` without values.
    """
    if not ordered:
        raise ValueError("no values have no quantile")
    position = share * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (position - low) * (ordered[high] - ordered[low])


def spread_of(values: Iterable[float]) -> Spread:
    ordered = sorted(values)
    if not ordered:
        return Spread(count=0)
    return Spread(
        count=len(ordered),
        mean=math.fsum(ordered) / len(ordered),
        p50=quantile(ordered, 0.5),
        p95=quantile(ordered, 0.95),
    )
