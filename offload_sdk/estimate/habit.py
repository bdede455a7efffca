"""What a link is usually like, over minutes: where a prediction goes when nothing has been heard. Nothing else."""

from __future__ import annotations

import math

__all__ = ["Habit"]

_GAIN = 0.05
_FIRST = 3.0  # samples that the prior counts for
_LEAST_SD, _MOST_SD = 0.2, 1.0  # past 1 the mean of a small request could exceed that of a larger one


class Habit:
    """Running means and variances of the logarithms of round-trip time and of seconds per byte."""

    __slots__ = ("_log_rate", "_log_rtt", "_rate_variance", "_rtt_variance", "_samples")

    def __init__(self, rtt_s: float, s_per_byte: float, sd: float) -> None:
        self._log_rtt, self._rtt_variance = math.log(rtt_s), sd * sd
        self._log_rate, self._rate_variance = math.log(s_per_byte), sd * sd
        self._samples = _FIRST

    def add(self, rtt_s: float, s_per_byte: float | None) -> None:
        """Take in what the link is like now; a request without a body tells nothing of the rate (None)."""
        self._samples += 1.0
        gain = max(_GAIN, 1.0 / self._samples)
        delta = math.log(rtt_s) - self._log_rtt
        self._log_rtt += gain * delta
        self._rtt_variance = (1.0 - gain) * (self._rtt_variance + gain * delta * delta)
        if s_per_byte is not None:
            delta = math.log(s_per_byte) - self._log_rate
            self._log_rate += gain * delta
            self._rate_variance = (1.0 - gain) * (self._rate_variance + gain * delta * delta)

    def log_moments(self, size_bytes: float) -> tuple[float, float]:
        """Return median and standard deviation of the logarithm of the time (s) of a request."""
        rtt_s = math.exp(self._log_rtt)
        sending_s = size_bytes * math.exp(self._log_rate)
        share = sending_s / (rtt_s + sending_s)
        rest = 1.0 - share
        variance = rest * rest * self._rtt_variance + share * share * self._rate_variance
        return math.log(rtt_s + sending_s), min(max(math.sqrt(variance), _LEAST_SD), _MOST_SD)
