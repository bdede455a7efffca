"""How long a worker takes for a picture, learned from those it has done. Pure: no clock, no queue, no policy."""

from __future__ import annotations

import math

__all__ = ["ServiceTime"]

_MEAN_GAIN = 1 / 8
_DEVIATION_GAIN = 1 / 4
_SURE_DEVIATIONS = 2.0
_HALF_LIFE_S = 5.0
_RIDGE_BYTES2 = 10_000.0**2


class ServiceTime:
    """A line over the size of the file, by least squares in which older pictures count less and less.

    Decoding grows with the picture, inference does not, hence a line. Its slope is held near zero as long as the
    sizes differ by less than some 10 kB (ridge regression), as then it would be noise. The gains of the means and
    of the deviation around the line are those of RFC 6298, section 2.
    """

    def __init__(self) -> None:
        self._count = 0
        self._mean_bytes = 0.0
        self._mean_s = 0.0
        self._variance_bytes2 = 0.0
        self._covariance_bytes_s = 0.0
        self._deviation_s = 0.0
        self._learned_s = 0.0

    @property
    def mean_s(self) -> float:
        """Seconds of a usual picture; 0.0 before the first."""
        return self._mean_s

    def learn(self, image_bytes: int, service_s: float, now_s: float) -> None:
        """Take note that a picture of this size took `service_s`."""
        if self._count:
            error_s = abs(service_s - self.expected_s(image_bytes))
            self._deviation_s += (error_s - self._deviation_s) * _DEVIATION_GAIN
        else:
            self._deviation_s = service_s / 2
        self._count += 1
        gain = max(_MEAN_GAIN, 1 / self._count)
        off_bytes = image_bytes - self._mean_bytes
        off_s = service_s - self._mean_s
        self._mean_bytes += gain * off_bytes
        self._mean_s += gain * off_s
        self._variance_bytes2 += gain * ((1 - gain) * off_bytes**2 - self._variance_bytes2)
        self._covariance_bytes_s += gain * ((1 - gain) * off_bytes * off_s - self._covariance_bytes_s)
        self._learned_s = now_s

    def expected_s(self, image_bytes: int) -> float:
        """Seconds that a picture of this size is expected to take; 0.0 before anything was learned."""
        slope = max(0.0, self._covariance_bytes_s) / (self._variance_bytes2 + _RIDGE_BYTES2)
        return max(0.0, self._mean_s + slope * (image_bytes - self._mean_bytes))

    def surely_s(self, image_bytes: int, now_s: float) -> float:
        """Seconds that a picture of this size takes at the very least, as far as one may rely on it.

        Two mean deviations below the expectation, which of normally distributed times 5 % undercut. It halves
        every 5 s in which nothing was learned: a server that refused all for an estimate once too high would
        never find out, so sooner or later one request is let through and corrects it.
        """
        least_s = self.expected_s(image_bytes) - _SURE_DEVIATIONS * self._deviation_s
        age_s = max(0.0, now_s - self._learned_s)
        return max(0.0, least_s) * math.exp(-math.log(2.0) * age_s / _HALF_LIFE_S)
