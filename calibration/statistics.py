"""From samples to the figures of a profile. Pure arithmetic."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence

from offload_sdk._profile import Timing

__all__ = ["line", "pick_threads", "slope_through_origin", "summary"]

# A thread more must gain this share; less is noise, and the core is better left to the application.
LEAST_GAIN_FRAC = 0.05
_LEAST_S = 1e-7  # below the clock's resolution a time reads zero, which no estimator can divide by


def summary(samples_s: Sequence[float]) -> Timing:
    """Return median, 90th percentile (nearest rank) and standard deviation. Raises ValueError without samples."""
    if not samples_s:
        raise ValueError("no samples")
    ordered = sorted(max(sample, _LEAST_S) for sample in samples_s)
    rank = math.ceil(0.9 * len(ordered)) - 1
    return Timing(
        samples=len(ordered),
        median_s=statistics.median(ordered),
        p90_s=ordered[rank],
        sd_s=statistics.stdev(ordered) if len(ordered) > 1 else 0.0,
    )


def slope_through_origin(points: Sequence[tuple[float, float]]) -> float:
    """Return the slope s of y = s·x that minimises the sum of squared *relative* errors (y - s·x)/y.

    Relative, so that a small picture counts as much as a large one: with r = x/y the minimum is at Σr / Σr².
    All x and y must be positive.
    """
    ratios = [x / y for x, y in points]
    return sum(ratios) / sum(ratio * ratio for ratio in ratios)


def line(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return intercept and slope of the least-squares line through points with at least two different x."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    return mean_y - slope * mean_x, slope


def pick_threads(infer: Mapping[int, Timing]) -> int:
    """Return the fewest threads whose median is within 5 % of the fastest."""
    best_s = min(timing.median_s for timing in infer.values())
    return min(n for n, timing in infer.items() if timing.median_s * (1.0 - LEAST_GAIN_FRAC) <= best_s)
