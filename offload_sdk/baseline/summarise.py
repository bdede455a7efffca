"""From measurements to the figures of a `Summary`. Pure arithmetic; prices come as a function."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from offload_sdk._types import EnergySource
from offload_sdk.baseline.measurement import Measurement, PayloadKind
from offload_sdk.baseline.summary import Run, Series
from offload_sdk.report.spread import Spread, spread_of

__all__ = ["RunCost", "series_of", "series_of_runs"]

RunCost = Callable[[float, float | None], float | None]
"""From a run's seconds and the device's joules in it to US dollars; None if nobody can tell."""

_WEAKEST: tuple[EnergySource, ...] = ("unknown", "modelled", "metered")


def series_of(payload: PayloadKind, measurements: Iterable[Measurement], cost: RunCost) -> Series:
    """Sum up all measurements of one target in one form of upload, a run each with its own images."""
    by_run: defaultdict[int, list[Measurement]] = defaultdict(list)
    for measurement in measurements:
        by_run[measurement.run].append(measurement)
    everything = [measurement for _, run in sorted(by_run.items()) for measurement in run]
    answered_s = [m.latency_s for m in everything if m.failure is None]
    spread = spread_of(answered_s)
    sources = {m.energy_source for m in everything if m.failure is None}
    return series_of_runs(
        payload,
        [_run(run, cost) for _, run in sorted(by_run.items())],
        energy_source=next((source for source in _WEAKEST if source in sources), "unknown"),
        spread=spread,
        image_sd_s=_sd(answered_s),
    )


def series_of_runs(
    payload: PayloadKind,
    runs: Sequence[Run],
    *,
    energy_source: EnergySource = "unknown",
    spread: Spread | None = None,
    image_sd_s: float | None = None,
) -> Series:
    """Sum up runs: means over runs, with sample standard deviations (n - 1)."""
    means_s = [run.mean_s for run in runs if run.mean_s is not None]
    totals_s = [run.total_s for run in runs]
    return Series(
        payload=payload,
        runs=tuple(runs),
        mean_total_s=_mean(totals_s),
        sd_total_s=_sd(totals_s),
        mean_s=_mean(means_s),
        sd_s=_sd(means_s),
        mean_cost_usd=_mean_if_all(run.cost_usd for run in runs),
        mean_energy_j=_mean_if_all(run.energy_j for run in runs),
        energy_source=energy_source,
        p50_s=None if spread is None else spread.p50,
        p95_s=None if spread is None else spread.p95,
        image_sd_s=image_sd_s,
        failures=sum(run.failures for run in runs),
    )


def _run(measurements: Sequence[Measurement], cost: RunCost) -> Run:
    answered_s = [m.latency_s for m in measurements if m.failure is None]
    spread = spread_of(answered_s)
    total_s = math.fsum(m.latency_s for m in measurements)
    energy_j = _energy_j(measurements)
    return Run(
        total_s=total_s,
        mean_s=spread.mean,
        p50_s=spread.p50,
        p95_s=spread.p95,
        image_sd_s=_sd(answered_s),
        images=len(measurements),
        failures=len(measurements) - len(answered_s),
        sent_bytes=sum(m.sent_bytes for m in measurements),
        received_bytes=sum(m.received_bytes for m in measurements),
        energy_j=energy_j,
        cost_usd=cost(total_s, energy_j),
    )


def _energy_j(measurements: Sequence[Measurement]) -> float | None:
    """The sum of what is known; None if it is not known of an image that was answered."""
    if not measurements or any(m.energy_j is None and m.failure is None for m in measurements):
        return None
    known_j = [m.energy_j for m in measurements if m.energy_j is not None]
    return math.fsum(known_j) if known_j else None


def _mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def _mean_if_all(values: Iterable[float | None]) -> float | None:
    known = []
    for value in values:
        if value is None:
            return None
        known.append(value)
    return _mean(known)


def _sd(values: Sequence[float]) -> float | None:
    return statistics.stdev(values) if len(values) > 1 else None
