"""The chance that an endpoint answers at all. Nothing else."""

from __future__ import annotations

__all__ = ["Reliability"]

_PRIOR_TRIES = 3.0
_PRIOR_MEAN = 0.98
_FORGET = 0.9  # per outcome
_FORGET_S = 60.0  # per second of age, as the time constant of the way back to the prior


class Reliability:
    """Share of successes with forgetting: a Beta posterior whose counts fade with outcomes and with age.

    The prior counts as three tries with a mean of 0.98, so that a new or long unused endpoint is trusted, one
    failure does not condemn it, and a failing one regains trust as its failures age.
    """

    __slots__ = ("_at_s", "_failures", "_successes")

    def __init__(self) -> None:
        self._successes = 0.0
        self._failures = 0.0
        self._at_s = 0.0

    def probability(self, now_s: float) -> float:
        fade = self._fade(now_s)
        tries = _PRIOR_TRIES + fade * (self._successes + self._failures)
        return (_PRIOR_MEAN * _PRIOR_TRIES + fade * self._successes) / tries

    def add(self, success: bool, now_s: float) -> None:
        fade = self._fade(now_s) * _FORGET
        self._successes = fade * self._successes + (1.0 if success else 0.0)
        self._failures = fade * self._failures + (0.0 if success else 1.0)
        self._at_s = now_s

    def _fade(self, now_s: float) -> float:
        return 1.0 / (1.0 + max(now_s - self._at_s, 0.0) / _FORGET_S)
