"""The chance that an endpoint answers at all. Nothing else."""

from __future__ import annotations

__all__ = ["Reliability"]

_FORGET = 0.9  # per outcome
_FORGET_S = 60.0  # per second of age, as the time constant of the way back to the prior


class Reliability:
    """Share of successes with forgetting: a Beta posterior whose counts fade with outcomes and with age.

    The prior is a success in 50 tries' worth of confidence (mean 0.98), so that a new or long unused endpoint
    is trusted, and a failing one regains trust as its failures age.
    """

    __slots__ = ("_at_s", "_failures", "_successes")

    def __init__(self) -> None:
        self._successes = 0.0
        self._failures = 0.0
        self._at_s = 0.0

    def probability(self, now_s: float) -> float:
        fade = self._fade(now_s)
        return (0.98 + fade * self._successes) / (1.0 + fade * (self._successes + self._failures))

    def add(self, success: bool, now_s: float) -> None:
        fade = self._fade(now_s) * _FORGET
        self._successes = fade * self._successes + (1.0 if success else 0.0)
        self._failures = fade * self._failures + (0.0 if success else 1.0)
        self._at_s = now_s

    def _fade(self, now_s: float) -> float:
        return 1.0 / (1.0 + max(now_s - self._at_s, 0.0) / _FORGET_S)
