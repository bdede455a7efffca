"""How far an option's predictions are off: a belief about log(observed / predicted) that forgets. No choice."""

from __future__ import annotations

import math

__all__ = ["LogRatio"]

_KEEP = 0.95  # of a sample's weight, per image learned from whichever option it took: about twenty count
_FORGET_S = 120.0  # time constant of forgetting while nothing is learned
_PRIOR_SD = 0.2  # how far a well-kept estimator may be off for long, on the log scale
_NOISE_SD = 0.2  # how far one image may be off beyond what its prediction says of itself
_MOST = 3.5  # a factor of 33: beyond it a sample says "far off", not how far


class LogRatio:
    """A Gaussian belief about the mean of log(observed / predicted), from discounted samples.

    A sample's weight fades geometrically with every image that is learned from (discounted Thompson sampling:
    Raj and Kalyani 2017, arXiv 1707.09727) and exponentially with the time since, so the belief about an option
    that is not used goes back to its prior: mean 0, and the variance of a well-kept estimator plus that which
    the prediction states. The latter is `spread`, the standard deviation of the predicted time's logarithm.
    `step` counts the images learned from; `now_s` is on the monotonic clock. O(1) a call.
    """

    __slots__ = ("_at_s", "_at_step", "_precision", "_sum")

    def __init__(self) -> None:
        self._precision = self._sum = 0.0  # of the samples, without the prior
        self._at_step = 0
        self._at_s = 0.0

    def mean_sd(self, spread: float, step: int, now_s: float) -> tuple[float, float]:
        """Return the mean of the log ratio and the standard deviation of the belief about it."""
        fade = self._fade(step, now_s)
        precision = 1.0 / (_PRIOR_SD * _PRIOR_SD + spread * spread) + fade * self._precision
        return fade * self._sum / precision, 1.0 / math.sqrt(precision)

    def add(self, value: float, spread: float, step: int, now_s: float) -> None:
        """Learn one log ratio."""
        precision = 1.0 / _noise(spread)
        self._take(precision, precision * min(max(value, -_MOST), _MOST), step, now_s)

    def add_above(self, bound: float, spread: float, step: int, now_s: float) -> None:
        """Learn that a log ratio is above `bound`: the mean can only rise, by the less the lower the bound.

        The belief becomes the Gaussian with the mean and the variance of its posterior under a censored sample
        (Tobin 1958). With z = (bound − mean) / s, where s² is the variance of a sample to come, and the hazard
        λ = φ(z) / (1 − Φ(z)), the mean rises by λ · variance / s, the variance falls by λ(λ − z) · variance² / s².
        """
        mean, sd = self.mean_sd(spread, step, now_s)
        variance = sd * sd
        total = variance + _noise(spread)
        z = (min(bound, _MOST) - mean) / math.sqrt(total)
        hazard = _hazard(z)
        raised = mean + hazard * variance / math.sqrt(total)
        shrunk = variance * (1.0 - min(hazard * (hazard - z), 1.0) * variance / total)
        self._take(1.0 / shrunk - 1.0 / variance, raised / shrunk - mean / variance, step, now_s)

    def _take(self, precision: float, weighted: float, step: int, now_s: float) -> None:
        fade = self._fade(step, now_s)
        self._precision = fade * self._precision + precision
        self._sum = fade * self._sum + weighted
        self._at_step, self._at_s = max(step, self._at_step), max(now_s, self._at_s)

    def _fade(self, step: int, now_s: float) -> float:
        steps, age_s = max(step - self._at_step, 0), max(now_s - self._at_s, 0.0)
        return _KEEP**steps * math.exp(-age_s / _FORGET_S)


def _noise(spread: float) -> float:
    """Return the variance of one sample about the mean."""
    return _NOISE_SD * _NOISE_SD + spread * spread


def _hazard(z: float) -> float:
    """Return φ(z) / (1 − Φ(z)) of the standard normal distribution."""
    if z > 8.0:
        return z + 1.0 / z  # its asymptote: the quotient would be of two numbers that vanish
    return math.sqrt(2.0 / math.pi) * math.exp(-0.5 * z * z) / math.erfc(z / math.sqrt(2.0))
