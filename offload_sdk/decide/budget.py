"""The price of a duplicate: what keeps work done on both sides within its budget over time. Nothing else."""

from __future__ import annotations

__all__ = ["DuplicateBudget"]

_GAIN = 0.03
_LEAST_PRICE, _FIRST_PRICE, _MOST_PRICE = 0.02, 0.15, 10.0


class DuplicateBudget:
    """Steers a price so that the share of images that both sides work on meets a budget.

    The price is in units of the device's own time for the image. It falls by `_GAIN` times the budget with
    each image and rises by `_GAIN` with each duplicate: integral control, or stochastic subgradient ascent on
    the multiplier of the constraint. So a calm link lets the price fall and a stormy one raises it. It never
    falls below 2 % of the device's time: a budget is no reason to work twice for nothing.
    """

    __slots__ = ("_frac", "_price")

    def __init__(self, frac: float) -> None:
        """`frac` is the share of images, 0..1; 0 forbids duplicates."""
        self._frac = frac
        self._price = _FIRST_PRICE

    @property
    def allows_any(self) -> bool:
        return self._frac > 0.0

    def price_s(self, local_s: float) -> float:
        """Return what a duplicate costs, in seconds, where the device takes `local_s`."""
        return self._price * local_s

    def image(self) -> None:
        """Take note of an image, whatever becomes of it."""
        self._price = max(self._price - _GAIN * self._frac, _LEAST_PRICE)

    def duplicated(self) -> None:
        """Take note of an image that both sides worked on."""
        self._price = min(self._price + _GAIN, _MOST_PRICE)
