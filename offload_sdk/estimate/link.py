"""The link as two numbers that drift: round-trip time and seconds per byte. Nothing else.

A request of n bytes on an established connection takes `rtt + n · seconds_per_byte`. Dividing bytes by seconds
instead would mix the round trip into the rate: an upload of 15 KB is mostly round trip.
"""

from __future__ import annotations

__all__ = ["LinkFilter"]

_DRIFT_PER_SQRT_S = 0.06  # relative standard deviation that each state gains in one second without a sample
_MOST_RELATIVE_SD = 1.0  # what is unknown is unknown by its own size, not by more
_NOISE_GAIN = 0.125
_FIRST_NOISE = 0.2  # relative
_LEAST_NOISE_S = 0.0005
_GATE = 3.0  # innovations past so many standard deviations are clipped …
_FACTOR_ON_CHANGE = 25.0  # … unless two in a row agree: then the link has changed, and the variance grows by this


class LinkFilter:
    """A two-state Kalman filter over (RTT in s, seconds per byte).

    Both states do a random walk whose step is proportional to their size, so the variance grows with the time
    since the last sample (Kalman 1960; process noise scaled by age). The measurement noise is learned from
    the innovations. A single outlier is clipped (a Huber-type gate); two of the same sign in a row count as a
    change of the link and open the filter. All state is six floats; `predict` changes nothing.
    """

    __slots__ = ("_at_s", "_noise", "_p00", "_p01", "_p11", "_run", "rtt_s", "s_per_byte", "samples")

    def __init__(
        self, *, rtt_s: float, s_per_byte: float, relative_sd: float = 0.8, now_s: float | None = None
    ) -> None:
        self.rtt_s = rtt_s
        self.s_per_byte = s_per_byte
        self.samples = 0
        self._p00 = (relative_sd * rtt_s) ** 2
        self._p01 = 0.0
        self._p11 = (relative_sd * s_per_byte) ** 2
        self._noise = _FIRST_NOISE**2  # variance of the noise, relative to the squared prediction
        self._run = 0  # how many innovations in a row lay past the gate; the sign tells on which side
        self._at_s = now_s  # when the covariance held

    def predict(self, size_bytes: float, now_s: float) -> tuple[float, float]:
        """Return mean (s) and variance (s²) of a request of `size_bytes` now."""
        p00, p01, p11 = self._aged(now_s)
        mean = self.rtt_s + self.s_per_byte * size_bytes
        spread = p00 + 2.0 * p01 * size_bytes + p11 * size_bytes * size_bytes
        return mean, spread + self._noise_variance(mean)

    def update(self, size_bytes: float, seconds: float, now_s: float) -> None:
        """Learn from a request of `size_bytes` that took `seconds` and ended at `now_s`."""
        p00, p01, p11 = self._aged(now_s)
        mean = self.rtt_s + self.s_per_byte * size_bytes
        innovation = seconds - mean
        noise = self._noise_variance(mean)
        g0 = p00 + p01 * size_bytes
        g1 = p01 + p11 * size_bytes
        variance = g0 + g1 * size_bytes + noise
        gate = _GATE * variance**0.5
        if abs(innovation) > gate:
            side = 1 if innovation > 0.0 else -1
            self._run = self._run + side if self._run * side > 0 else side
            if abs(self._run) >= 2:
                p00, p01, p11 = (_FACTOR_ON_CHANGE * p for p in (p00, p01, p11))
                g0, g1 = _FACTOR_ON_CHANGE * g0, _FACTOR_ON_CHANGE * g1
                variance = g0 + g1 * size_bytes + noise
            else:
                innovation = side * gate
        else:
            self._run = 0
        k0, k1 = g0 / variance, g1 / variance
        self.rtt_s = max(self.rtt_s + k0 * innovation, 1e-5)
        self.s_per_byte = max(self.s_per_byte + k1 * innovation, 1e-10)
        self._p00 = p00 - k0 * g0
        self._p01 = p01 - k0 * g1
        self._p11 = p11 - k1 * g1
        self._at_s = now_s
        self.samples += 1
        # What the states' own uncertainty does not explain of the innovation is noise of the measurement.
        unexplained = max(innovation * innovation - (variance - noise), 0.0) / (mean * mean)
        self._noise += _NOISE_GAIN * (min(unexplained, 4.0) - self._noise)

    def _noise_variance(self, mean_s: float) -> float:
        return self._noise * mean_s * mean_s + _LEAST_NOISE_S**2

    def _aged(self, now_s: float) -> tuple[float, float, float]:
        """Return the covariance at `now_s`; a clock that went back counts as no time passed."""
        if self._at_s is None:
            return self._p00, self._p01, self._p11
        drift = _DRIFT_PER_SQRT_S**2 * max(now_s - self._at_s, 0.0)
        p00 = self._p00 + drift * self.rtt_s * self.rtt_s
        p11 = self._p11 + drift * self.s_per_byte * self.s_per_byte
        p00 = min(p00, max(self._p00, (_MOST_RELATIVE_SD * self.rtt_s) ** 2))
        p11 = min(p11, max(self._p11, (_MOST_RELATIVE_SD * self.s_per_byte) ** 2))
        return p00, self._p01, p11
