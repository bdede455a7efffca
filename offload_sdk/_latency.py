"""A predicted time as a probability law. Arithmetic only; what is predicted, and from what, is the estimators'."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Latency", "Mode"]

_Z90 = 1.2815515655446004  # the 90th percentile of the standard normal distribution
_SQRT2 = math.sqrt(2.0)
# Quantiles of the standard normal distribution with the probability of the range that each stands for, being its
# middle. The ranges are narrow high up, since most of what is paid for lies in the tail.
_MANY = (
    (-1.6449, 0.1),
    (-1.0364, 0.1),
    (-0.6745, 0.1),
    (-0.3853, 0.1),
    (-0.1257, 0.1),
    (0.1257, 0.1),
    (0.3853, 0.1),
    (0.6745, 0.1),
    (1.0364, 0.1),
    (1.4758, 0.06),
    (1.9600, 0.03),
    (2.5758, 0.01),
)
_FEW = ((-1.0364, 0.3), (-0.1257, 0.3), (0.5978, 0.25), (1.3408, 0.12), (2.1701, 0.03))
_FINE = 0.4  # modes of at least this weight get many points
_ROOT_2PI = math.sqrt(2.0 * math.pi)
_TOLERANCE = 1e-4  # of the probability on the lesser side of a quantile, relative
_MOST_STEPS = 60
_LEAST_SD = 1e-4  # of a mode, where a quantile is sought: a jump has no slope to follow


class Mode(NamedTuple):
    """One way in which things can go, with its probability: a log-normal time.

    `log_median` is the natural logarithm of the median in seconds, `log_sd` the standard deviation of the
    logarithm.
    """

    weight: float
    log_median: float
    log_sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """A predicted time with this mean and standard deviation (seconds).

    Without `modes` it is the log-normal law of these two moments: times of computing and of networks are
    positive and skewed to the right, and the log-normal is the simplest such law. With `modes` it is a certain
    part of `offset_s` plus a mixture of log-normal laws, whose weights sum to 1: a link may go on as it was,
    have changed, or stand still, and no single bell describes that.
    """

    mean_s: float
    sd_s: float
    offset_s: float = 0.0
    modes: tuple[Mode, ...] = ()

    @classmethod
    def mixed(cls, offset_s: float, modes: tuple[Mode, ...]) -> Latency:
        """Return the law of `offset_s` plus the mixture, its two moments included."""
        mean_s = square = 0.0
        for weight, log_median, log_sd in modes:
            variance = log_sd * log_sd
            first = math.exp(log_median + 0.5 * variance)
            mean_s += weight * first
            square += weight * first * first * math.exp(variance)
        sd_s = math.sqrt(max(square - mean_s * mean_s, 0.0))
        return cls(mean_s=offset_s + mean_s, sd_s=sd_s, offset_s=offset_s, modes=modes)

    def after(self, wait_s: float) -> Latency:
        """Return the law of the same time behind a wait that is certain."""
        return Latency(
            mean_s=self.mean_s + wait_s,
            sd_s=self.sd_s,
            offset_s=self.offset_s + wait_s if self.modes else 0.0,
            modes=self.modes,
        )

    def times(self, factor: float) -> Latency:
        """Return the law of `factor` (> 0) times this time."""
        grown = math.log(factor)
        return Latency(
            mean_s=self.mean_s * factor,
            sd_s=self.sd_s * factor,
            offset_s=self.offset_s * factor,
            modes=tuple(Mode(weight, mu + grown, sigma) for weight, mu, sigma in self.modes),
        )

    @property
    def p90_s(self) -> float:
        """The time that 90 % of the calls stay below."""
        if self.modes:
            return self.quantile_s(0.9)
        if self.sd_s <= 0.0 or self.mean_s <= 0.0:
            return self.mean_s
        mu, sigma = self._log_moments()
        return math.exp(mu + _Z90 * sigma)

    def probability_within(self, limit_s: float) -> float:
        """P(T ≤ limit_s), 0..1."""
        if limit_s <= self.offset_s:
            return 0.0
        if self.modes:
            at = math.log(limit_s - self.offset_s)
            return sum(weight * _normal_cdf(at - mu, sigma) for weight, mu, sigma in self.modes)
        if self.sd_s <= 0.0 or self.mean_s <= 0.0:
            return 1.0 if self.mean_s <= limit_s else 0.0
        mu, sigma = self._log_moments()
        return _normal_cdf(math.log(limit_s) - mu, sigma)

    def quantile_s(self, share: float) -> float:
        """The time that `share` (0..1, both excluded) of the calls stay below."""
        if not 0.0 < share < 1.0:
            raise ValueError(f"share must lie between 0 and 1, not {share!r}")
        z = _Z90 if share == 0.9 else _normal_quantile(share)
        if not self.modes:
            if self.sd_s <= 0.0 or self.mean_s <= 0.0:
                return self.mean_s
            mu, sigma = self._log_moments()
            return math.exp(mu + z * sigma)
        # Newton's method from the quantile of the likeliest mode; where it leaves the range of all, bisection.
        modes = [(weight, mu, max(sigma, _LEAST_SD)) for weight, mu, sigma in self.modes]
        ends = [mu + z * sigma for _, mu, sigma in modes]
        low, high = min(ends), max(ends)
        at = ends[modes.index(max(modes))]
        enough = _TOLERANCE * min(share, 1.0 - share)
        for _ in range(_MOST_STEPS):
            below = density = 0.0
            for weight, mu, sigma in modes:
                deviation = (at - mu) / sigma
                below += 0.5 * weight * (1.0 + math.erf(deviation / _SQRT2))
                density += weight * math.exp(-0.5 * deviation * deviation) / sigma
            missing = share - below
            if abs(missing) <= enough:
                break
            if missing > 0.0:
                low = at
            else:
                high = at
            at = at + missing * _ROOT_2PI / density if density > 0.0 else high
            if not low < at < high:
                at = 0.5 * (low + high)
        return self.offset_s + math.exp(at)

    def points(self) -> list[tuple[float, float]]:
        """The law as a short list of (seconds, probability), ascending: for sums over what may happen."""
        exp, offset_s = math.exp, self.offset_s
        if not self.modes:
            if self.sd_s <= 0.0 or self.mean_s <= 0.0:
                return [(self.mean_s, 1.0)]
            mu, sigma = self._log_moments()
            return [(exp(mu + sigma * z), share) for z, share in _MANY]
        found: list[tuple[float, float]] = []
        for weight, mu, sigma in self.modes:
            middles = _MANY if weight >= _FINE else _FEW
            found += [(offset_s + exp(mu + sigma * z), weight * share) for z, share in middles]
        found.sort()
        return found

    def _log_moments(self) -> tuple[float, float]:
        variance = math.log1p((self.sd_s / self.mean_s) ** 2)
        return math.log(self.mean_s) - 0.5 * variance, math.sqrt(variance)


def _normal_cdf(deviation: float, sd: float) -> float:
    if sd <= 0.0:  # the spread is too small beside the mean for a float
        return 1.0 if deviation >= 0.0 else 0.0
    return 0.5 * (1.0 + math.erf(deviation / (sd * _SQRT2)))


def _normal_quantile(share: float) -> float:
    """Return the quantile of the standard normal distribution, 0 < share < 1, to about 1e-7.

    Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.23, and a step of Newton's method.
    """
    tail = min(share, 1.0 - share)
    t = math.sqrt(-2.0 * math.log(tail))
    z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)))
    z += (0.5 * math.erfc(z / _SQRT2) - tail) * _ROOT_2PI * math.exp(0.5 * z * z)
    return z if share > 0.5 else -z
