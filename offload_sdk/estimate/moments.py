"""A running mean and variance that forgets. Nothing else."""

from __future__ import annotations

__all__ = ["Moments"]


class Moments:
    """Exponentially weighted mean and variance of a series, started from a prior.

    The prior counts as one sample: the n-th sample enters with weight max(gain, 1/(n+1)), so that the first
    few are averaged plainly and later ones displace the past. Variance update after West (1979), in its
    exponentially weighted form. O(1), no allocation.
    """

    __slots__ = ("_count", "gain", "mean", "variance")

    def __init__(self, mean: float, sd: float, *, gain: float = 0.1) -> None:
        self.mean = mean
        self.variance = sd * sd
        self.gain = gain
        self._count = 1

    @property
    def samples(self) -> int:
        """How many measured values have come in (the prior not counted)."""
        return self._count - 1

    def add(self, value: float) -> None:
        self._count += 1
        weight = max(self.gain, 1.0 / self._count)
        delta = value - self.mean
        self.mean += weight * delta
        self.variance = (1.0 - weight) * (self.variance + weight * delta * delta)
