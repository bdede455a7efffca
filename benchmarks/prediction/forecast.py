"""What a predictor says of one time: a distribution. Laws only; nothing here learns."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from statistics import NormalDist, fmean
from typing import Protocol

from offload_sdk._types import Latency

__all__ = ["Empirical", "Forecast", "Normal", "Told"]

_STANDARD = NormalDist()
_LEAST_S = 1e-6


class Forecast(Protocol):
    """A predicted time in seconds."""

    @property
    def mean_s(self) -> float: ...

    def quantile_s(self, share: float) -> float:
        """The time that `share` (0..1) of the calls stay below."""
        ...

    def within(self, seconds: float) -> float:
        """P(T ≤ seconds), and of a point's own mass half: the place of a truth in its forecast (PIT)."""
        ...


class Told:
    """What the SDK says."""

    def __init__(self, latency: Latency) -> None:
        self._latency = latency

    @property
    def mean_s(self) -> float:
        return self._latency.mean_s

    def quantile_s(self, share: float) -> float:
        return self._latency.quantile_s(share)

    def within(self, seconds: float) -> float:
        return self._latency.probability_within(seconds)


class Normal:
    """Mean and standard deviation; a time below a microsecond is none."""

    def __init__(self, mean_s: float, sd_s: float) -> None:
        self.mean_s = mean_s
        self._sd_s = max(sd_s, _LEAST_S)

    def quantile_s(self, share: float) -> float:
        return max(self.mean_s + self._sd_s * _STANDARD.inv_cdf(share), _LEAST_S)

    def within(self, seconds: float) -> float:
        return _STANDARD.cdf((seconds - self.mean_s) / self._sd_s)


class Empirical:
    """Values seen, each as likely as the other; one value alone is a point."""

    def __init__(self, values_s: Sequence[float]) -> None:
        self._sorted = sorted(values_s)

    @property
    def mean_s(self) -> float:
        return fmean(self._sorted)

    def quantile_s(self, share: float) -> float:
        # Of n values the i-th lies at i/(n + 1), so that a new one is as likely to fall into any gap.
        known, place = self._sorted, share * (len(self._sorted) + 1) - 1.0
        below = min(max(int(place), 0), len(known) - 1)
        above = min(below + 1, len(known) - 1)
        return known[below] + min(max(place - below, 0.0), 1.0) * (known[above] - known[below])

    def within(self, seconds: float) -> float:
        known = self._sorted
        return (bisect_left(known, seconds) + bisect_right(known, seconds)) / (2 * len(known))
