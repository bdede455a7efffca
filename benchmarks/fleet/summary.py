"""Means and ranges over seeds, and the gaps between the two objectives. Judges nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean

from benchmarks.fleet.runs import OBJECTIVES, SCENARIOS, Objective, Run

__all__ = ["FIGURES", "Figure", "Point", "Results"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One of the source's figures, by its number there, and the attribute of a run that it shows."""

    number: int
    metric: str


FIGURES = tuple(
    Figure(number=number, metric=metric)
    for number, metric in (
        (3, "acceptance_frac"),
        (3, "local_acceptance_frac"),
        (4, "mean_delay_s"),
        (5, "cost_usd_per_h"),
        (6, "cpu_s"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point of a figure: the mean over cities, and the least and the greatest of them."""

    figure: int
    metric: str
    objective: Objective
    scenario: str
    devices: int
    mean: float
    low: float
    high: float


class Results:
    """All runs, by scenario, size and objective, each in the order of seeds."""

    def __init__(self, runs: Iterable[Run]) -> None:
        self._cells: dict[tuple[str, int, Objective], list[Run]] = {}
        for run in sorted(runs, key=lambda run: run.case.seed):
            self._cells.setdefault((run.case.scenario, run.case.devices, run.objective), []).append(run)

    def __iter__(self) -> Iterator[Run]:
        return (run for cell in self._cells.values() for run in cell)

    @property
    def sizes(self) -> list[int]:
        return sorted({devices for _, devices, _ in self._cells})

    def runs(self, scenario: str, devices: int, objective: Objective) -> list[Run]:
        return self._cells[scenario, devices, objective]

    def values(self, metric: str, scenario: str, devices: int, objective: Objective) -> list[float]:
        """One a seed, without those that have none (no device served has no delay)."""
        found = (getattr(run, metric) for run in self.runs(scenario, devices, objective))
        return [value for value in found if value is not None]

    def saving_percent(self, scenario: str, devices: int) -> list[float]:
        """By how much the plan of least delay costs more than that of least cost, seed by seed."""
        return self._above("cost_usd_per_h", scenario, devices, "delay", "cost")

    def delay_gap_percent(self, scenario: str, devices: int) -> list[float]:
        """By how much the mean delay of the plan of least cost is above that of the plan of least delay."""
        return self._above("mean_delay_s", scenario, devices, "cost", "delay")

    def _above(self, metric: str, scenario: str, devices: int, more: Objective, less: Objective) -> list[float]:
        pairs = zip(
            self.values(metric, scenario, devices, more), self.values(metric, scenario, devices, less), strict=True
        )
        return [100.0 * (above / below - 1.0) for above, below in pairs]

    def points(self) -> list[Point]:
        """Every point of every figure."""
        points = []
        for figure in FIGURES:
            for objective in OBJECTIVES:
                for scenario in SCENARIOS:
                    for devices in self.sizes:
                        values = self.values(figure.metric, scenario, devices, objective)
                        points.append(
                            Point(
                                figure=figure.number,
                                metric=figure.metric,
                                objective=objective,
                                scenario=scenario,
                                devices=devices,
                                mean=fmean(values),
                                low=min(values),
                                high=max(values),
                            )
                        )
        return points
