"""The requests of one run, drawn from a seed: the same for every policy. Knows no policy and no queue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.fog.parameters import Parameters
from server_stub.scheduling import Waiting

__all__ = ["Request", "draw"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the scheduler is `told` on arrival, and what is true: `service_s` at speed 1, the device's course."""

    told: Waiting
    limit_s: float
    service_s: float
    battery_frac: float
    drain_per_s: float
    signal_dbm: float
    drift_db_per_s: float

    def battery_at(self, now_s: float) -> float:
        return max(0.0, self.battery_frac - self.drain_per_s * (now_s - self.told.arrived_s))

    def signal_at(self, now_s: float) -> float:
        return self.signal_dbm + self.drift_db_per_s * (now_s - self.told.arrived_s)

    def seen_at(self, now_s: float) -> Waiting:
        """What a scheduler sees if devices report all the time."""
        told = self.told
        return Waiting(  # `replace` takes three times as long, for each that waits at each step
            key=told.key,
            arrived_s=told.arrived_s,
            image_bytes=told.image_bytes,
            due_s=told.due_s,
            battery_frac=self.battery_at(now_s),
            signal_dbm=self.signal_at(now_s),
            service_s=told.service_s,
        )


def draw(parameters: Parameters, seed: int) -> list[Request]:
    """Return the requests in order of arrival, keys 0, 1, …; each quantity has a random stream of its own."""
    count = parameters.requests
    gaps, service, error, size, limit, battery, drain, signal, drift = (
        np.random.default_rng((seed, stream)) for stream in range(9)
    )
    arrived_s = _arrivals(parameters, gaps)
    service_s = parameters.service_mean_s * _lognormal(service, parameters.service_cv, count)
    service_s *= 1.0 + parameters.service_shift_frac * np.where(2 * np.arange(count) < count, -1.0, 1.0)
    told_s = service_s * _lognormal(error, parameters.estimate_cv, count)
    size_bytes = size.integers(*parameters.size_bytes, count, endpoint=True)
    spread = parameters.limit_spread_frac
    limit_s = parameters.limit_mean_s * limit.uniform(1.0 - spread, 1.0 + spread, count)
    battery_frac = battery.uniform(*parameters.battery_frac, count)
    drain_per_s = drain.uniform(0.0, parameters.most_drain_per_s, count)
    signal_dbm = signal.uniform(*parameters.signal_dbm, count)
    drift_db_per_s = drift.normal(parameters.drift_mean_db_per_s, parameters.drift_sd_db_per_s, count)
    return [
        Request(
            told=Waiting(
                key=key,
                arrived_s=float(arrived_s[key]),
                image_bytes=int(size_bytes[key]),
                due_s=float(arrived_s[key] + limit_s[key]),
                battery_frac=float(battery_frac[key]),
                signal_dbm=float(signal_dbm[key]),
                service_s=float(told_s[key]),
            ),
            limit_s=float(limit_s[key]),
            service_s=float(service_s[key]),
            battery_frac=float(battery_frac[key]),
            drain_per_s=float(drain_per_s[key]),
            signal_dbm=float(signal_dbm[key]),
            drift_db_per_s=float(drift_db_per_s[key]),
        )
        for key in range(count)
    ]


def _arrivals(parameters: Parameters, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Gaps scaled to fill the window; with a cv of 1 these are a Poisson process that brought this many."""
    gaps = rng.gamma(1.0 / parameters.gap_cv**2, size=parameters.requests + 1)
    ends: npt.NDArray[np.float64] = np.cumsum(gaps) * (parameters.window_s / gaps.sum())
    return ends[:-1]


def _lognormal(rng: np.random.Generator, cv: float, count: int) -> npt.NDArray[np.float64]:
    """Factors of mean 1."""
    variance = np.log1p(cv * cv)
    return rng.lognormal(-0.5 * variance, np.sqrt(variance), count)
