"""A time that is a fixed part plus a part in proportion to size, both of which drift. Nothing else.

It serves the link (round trip, seconds per byte) and the steps that work on pixels. Dividing size by time
instead would mix the fixed part into the rate: an upload of 15 KB is mostly round trip.
"""

from __future__ import annotations

import math

__all__ = ["AffineFilter"]

_LEAST_STEP_S = 0.25  # a sample adds at least as much drift as this time
_MOST_STEP = 20.0  # of a logarithm
_LEAST_STATE, _MOST_STATE = 1e-13, 1e4
_MOST_SPREAD = 4.0  # variance of a logarithm past which a prediction says nothing any more
_MOST_VARIANCE = 0.64  # what is unknown is unknown by its own size, not by more
_NOISE_GAIN = 0.1
_FIRST_NOISE = 0.04
_LEAST_NOISE = 0.0004  # 2 %
_MOST_DIFFERENCE = 1.5  # of two samples in a row, in natural logarithms; more is not noise
_GATE = 3.0  # an innovation past so many standard deviations is clipped …
_OPEN = 0.25  # … unless the next one agrees: then the states take this share of its square as variance
_FLOOR_S = 1e-6


class AffineFilter:
    """An extended Kalman filter over the logarithms of `fixed_s` and of `s_per_unit`.

    The time of something of size n is `fixed_s + n · s_per_unit`.
    Logarithms keep both positive, make errors relative, and let the filter come back from an outage as fast as
    it went into one. Both states do a random walk, so their variance grows with the time since the last sample.
    The noise of a measurement is learned from the differences of neighbouring samples (von Neumann's
    estimator), which a constant bias of the states does not inflate. A single outlier is clipped; two in a row
    on the same side are a change and open the filter. All state is a dozen floats, and `predict`
    changes nothing.
    """

    __slots__ = (
        "_at_s",
        "_drift",
        "_fixed_share",
        "_last",
        "_noise",
        "_p00",
        "_p01",
        "_p11",
        "_side",
        "fixed_s",
        "s_per_unit",
        "samples",
    )

    def __init__(
        self,
        fixed_s: float,
        s_per_unit: float,
        *,
        sd: float = 0.8,
        drift_per_sqrt_s: float = 0.08,
        fixed_share: float = 1.0,
    ) -> None:
        """`sd` is the standard deviation of both logarithms: 0.8 is "within a factor of two or so".
        `drift_per_sqrt_s` is what each gains in one second without a sample. Of each the fixed
        part has `fixed_share`: less than 1 where it is the slope that varies and changes, so that a surprise is
        put down to that even while all sizes are alike."""
        self.fixed_s = fixed_s
        self.s_per_unit = s_per_unit
        self._drift = drift_per_sqrt_s * drift_per_sqrt_s
        self._fixed_share = fixed_share * fixed_share  # of the variance
        self.samples = 0
        self._p00, self._p11 = self._fixed_share * sd * sd, sd * sd
        self._p01 = 0.0
        self._noise = _FIRST_NOISE
        self._side = 0  # on which side of the gate the last sample lay
        self._last: tuple[float, float] | None = None  # size and time of the last sample
        self._at_s: float | None = None  # when the covariance held

    def median_s(self, size: float) -> float:
        """Return the time of `size` by the two states as they are."""
        return self.fixed_s + size * self.s_per_unit

    def predict(self, size: float, now_s: float) -> tuple[float, float]:
        """Return mean (s) and variance (s²) of the time of `size` now, as a log-normal law."""
        log_median, log_variance = self.log_moments(size, now_s)
        mean_s = math.exp(log_median + 0.5 * log_variance)
        return mean_s, mean_s * mean_s * math.expm1(log_variance)

    def log_moments(self, size: float, now_s: float, widened: float = 1.0) -> tuple[float, float]:
        """Return mean and variance of the logarithm of the time (s) of `size` now; the latter times `widened`."""
        p00, p01, p11 = self._aged(now_s, 0.0)
        median_s = self.median_s(size)
        share = size * self.s_per_unit / median_s
        rest = 1.0 - share
        noise = self._noise
        variance = rest * rest * p00 + 2.0 * rest * share * p01 + share * share * p11 + noise
        variance = widened * min(variance, _MOST_SPREAD)
        log_median = math.log(median_s)
        fixed_variance = widened * min(p00 + noise, _MOST_SPREAD)
        if variance < fixed_variance:
            # The spread shrinks where the slope is better known than the fixed part. That alone must not make
            # a larger size look faster: the mean of none is less than that of nothing.
            log_median = max(log_median, math.log(self.fixed_s) + 0.5 * (fixed_variance - variance))
        return log_median, variance

    def update(self, size: float, seconds: float, now_s: float) -> None:
        """Learn from something of `size` that took `seconds` and ended at `now_s`."""
        p00, p01, p11 = self._aged(now_s, _LEAST_STEP_S)
        seconds = max(seconds, _FLOOR_S)
        self._learn_noise(size, seconds)
        median_s = self.median_s(size)
        share = size * self.s_per_unit / median_s  # of the slope: the derivative by the second state
        rest = 1.0 - share
        innovation = math.log(seconds / median_s)
        g0, g1 = rest * p00 + share * p01, rest * p01 + share * p11
        variance = rest * g0 + share * g1 + self._noise
        gate = _GATE * math.sqrt(variance)
        side = 0 if abs(innovation) <= gate else (1 if innovation > 0.0 else -1)
        if side and side == self._side:
            opened = _OPEN * innovation * innovation
            p00 = min(p00 + self._fixed_share * opened, _MOST_SPREAD)
            p11 = min(p11 + opened, _MOST_SPREAD)
            g0, g1 = rest * p00 + share * p01, rest * p01 + share * p11
            variance = rest * g0 + share * g1 + self._noise
        elif side:
            innovation = side * gate
        self._side = side
        k0, k1 = g0 / variance, g1 / variance
        fixed_s, s_per_unit = _moved(self.fixed_s, k0 * innovation), _moved(self.s_per_unit, k1 * innovation)
        # Both logarithms stepped along a tangent; together they must not pass where the step was to end.
        step = min(max((rest * k0 + share * k1) * innovation, -_MOST_STEP), _MOST_STEP)
        excess = median_s * math.exp(step) / (fixed_s + size * s_per_unit)
        self.fixed_s = min(max(fixed_s * excess, _LEAST_STATE), _MOST_STATE)
        self.s_per_unit = min(max(s_per_unit * excess, _LEAST_STATE), _MOST_STATE)
        self._p00 = max(p00 - k0 * g0, 0.0)
        self._p11 = max(p11 - k1 * g1, 0.0)
        # No more than perfect correlation: what rounding leaves must stay a covariance.
        most = math.sqrt(self._p00 * self._p11)
        self._p01 = min(max(p01 - k0 * g1, -most), most)
        self._at_s = now_s
        self.samples += 1

    def loosen(self) -> None:
        """Forget how sure the states are: after an outage the next sample decides."""
        self._p00 = max(self._p00, self._fixed_share * _MOST_VARIANCE)
        self._p11 = max(self._p11, _MOST_VARIANCE)

    def _learn_noise(self, size: float, seconds: float) -> None:
        """Take half the squared difference of two neighbouring samples, each relative to its prediction."""
        if self._last is not None:
            last_size, last_seconds = self._last
            expected = self.median_s(size) / self.median_s(last_size)
            difference = math.log(seconds / last_seconds / expected)
            if abs(difference) < _MOST_DIFFERENCE:
                self._noise += _NOISE_GAIN * (max(0.5 * difference * difference, _LEAST_NOISE) - self._noise)
        self._last = (size, seconds)

    def _aged(self, now_s: float, least_s: float) -> tuple[float, float, float]:
        """Return the covariance at `now_s`; a clock that went back counts as no time passed."""
        age_s = least_s if self._at_s is None else now_s - self._at_s
        if age_s < least_s:
            age_s = least_s
        p00, p11 = self._p00, self._p11
        if age_s > 0.0:
            drift = self._drift * age_s
            most = self._fixed_share * _MOST_VARIANCE
            if p00 < most:
                p00 = min(p00 + self._fixed_share * drift, most)
            if p11 < _MOST_VARIANCE:
                p11 = min(p11 + drift, _MOST_VARIANCE)
        return p00, self._p01, p11


def _moved(state: float, step: float) -> float:
    """Return the state after a step of its logarithm, within what any clock could measure."""
    return min(max(state * math.exp(min(max(step, -_MOST_STEP), _MOST_STEP)), _LEAST_STATE), _MOST_STATE)
