"""How long S2 gathers requests before it decides: the static and the dynamic interval τ, (18) to (20)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean
from typing import Protocol

from server_stub.scheduling.state import Finished

__all__ = ["DynamicInterval", "Interval", "StaticInterval"]


class Interval(Protocol):
    """Learns from what ended in each interval; `length_s` is τ, None until something has ended."""

    @property
    def length_s(self) -> float | None: ...

    def learn(self, finished: Sequence[Finished]) -> None: ...


class StaticInterval:
    """τ is the mean of all past execution times, over requests and workers: (18)."""

    def __init__(self) -> None:
        self._count = 0
        self._sum_s = 0.0

    @property
    def length_s(self) -> float | None:
        return self._sum_s / self._count if self._count else None

    def learn(self, finished: Sequence[Finished]) -> None:
        self._count += len(finished)
        self._sum_s += sum(one.service_s for one in finished)


class DynamicInterval:
    """τ follows the execution times of the last interval: τ <- ω m + (1 - ω) τ, (19). ω is `weight`, in 0..1."""

    def __init__(self, weight: float = 0.5) -> None:
        self._weight = weight
        self._length_s: float | None = None

    @property
    def length_s(self) -> float | None:
        return self._length_s

    def learn(self, finished: Sequence[Finished]) -> None:
        if not finished:
            return
        mean_s = mean_execution_s(finished)
        last_s = mean_s if self._length_s is None else self._length_s
        self._length_s = self._weight * mean_s + (1.0 - self._weight) * last_s


def mean_execution_s(finished: Sequence[Finished]) -> float:
    """Return m, the mean over the workers v of N_v / φ_v: seconds that v worked over requests it ended: (20)."""
    by_worker: defaultdict[int, list[float]] = defaultdict(list)
    for one in finished:
        by_worker[one.worker].append(one.service_s)
    return fmean(fmean(times_s) for times_s in by_worker.values())
