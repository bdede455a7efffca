"""Means over seeds with 95 % intervals, and differences between policies in the same runs. Judges nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from scipy.special import stdtrit

from benchmarks.fog.cells import CHARTS, Case
from benchmarks.fog.score import Score

__all__ = ["Interval", "Results", "Row", "interval_of", "rows_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean, and half of its 95 % interval: Student's t over seeds (infinite for one seed)."""

    mean: float
    half: float

    @property
    def sign(self) -> int:
        """1 if all of it is above zero, -1 if all of it is below, else 0."""
        return (self.mean > self.half) - (self.mean < -self.half)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A point of a chart. `ci` is half of the 95 % interval, None for a single seed."""

    chart: int
    x: float
    policy: str
    metric: str
    mean: float
    ci: float | None


class Results:
    """The scores of all runs. A cell is an axis and a place on it."""

    def __init__(self, runs: Iterable[tuple[Case, Mapping[str, Score]]]) -> None:
        self._cells: dict[tuple[str, float], dict[str, list[Score]]] = {}
        for case, scores in sorted(runs, key=lambda run: run[0].seed):
            cell = self._cells.setdefault((case.axis, case.x), {})
            for policy, score in scores.items():
                cell.setdefault(policy, []).append(score)

    @property
    def policies(self) -> list[str]:
        return list(next(iter(self._cells.values())))

    def places(self, axis: str) -> list[float]:
        return sorted(x for of, x in self._cells if of == axis)

    def values(self, axis: str, x: float, policy: str, metric: str) -> list[float]:
        """One a seed, in the order of seeds."""
        return [getattr(score, metric) for score in self._cells[axis, x][policy]]

    def mean(self, axis: str, x: float, policy: str, metric: str) -> Interval:
        return interval_of(self.values(axis, x, policy, metric))

    def lead(self, axis: str, x: float, policy: str, other: str, metric: str) -> list[float]:
        """By how much the policy is better than the other, seed by seed: of a wait, by how much shorter."""
        pairs = zip(self.values(axis, x, policy, metric), self.values(axis, x, other, metric), strict=True)
        sign = -1.0 if metric == "wait_s" else 1.0
        return [sign * (own - theirs) for own, theirs in pairs]


def interval_of(values: Sequence[float]) -> Interval:
    count = len(values)
    if count < 2:
        return Interval(mean=fmean(values), half=math.inf)
    return Interval(mean=fmean(values), half=float(stdtrit(count - 1, 0.975)) * stdev(values) / math.sqrt(count))


def rows_of(results: Results) -> list[Row]:
    """Every point of every chart."""
    rows = []
    for chart in CHARTS:
        for x in results.places(chart.axis):
            for policy in results.policies:
                interval = results.mean(chart.axis, x, policy, chart.metric)
                rows.append(
                    Row(
                        chart=chart.number,
                        x=x,
                        policy=policy,
                        metric=chart.metric,
                        mean=interval.mean,
                        ci=interval.half if math.isfinite(interval.half) else None,
                    )
                )
    return rows
