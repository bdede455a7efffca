"""The context repository of S2 and its Min-Max scaling: (1). Ranks nobody."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from server_stub.scheduling.state import Waiting

__all__ = ["ContextRepository", "contexts_of", "min_max"]

Array = npt.NDArray[np.float64]


def contexts_of(requests: Sequence[Waiting]) -> Array:
    """Return the contexts c: a row of battery, signal and limit T = due - arrival; NaN: not told."""
    table = np.empty((len(requests), 3))
    table[:, 0] = [np.nan if one.battery_frac is None else one.battery_frac for one in requests]
    table[:, 1] = [np.nan if one.signal_dbm is None else one.signal_dbm for one in requests]
    table[:, 2] = [np.nan if one.due_s is None else one.due_s - one.arrived_s for one in requests]
    return table


def min_max(values: Array, low: Array | np.float64, high: Array | np.float64) -> Array:
    """(1) of S2: (c - min C) / (max C - min C), clipped to 0..1; 0 where max = min."""
    width = high - low
    return np.clip((values - low) / np.where(width > 0, width, np.inf), 0.0, 1.0)


class ContextRepository:
    """The contexts C of the last `size` requests. What lies further back no longer sets the scale."""

    def __init__(self, size: int = 1_000) -> None:
        self._kept = np.full((3, size), np.nan)
        self._next = 0
        self._present: frozenset[int] = frozenset()
        self._low = self._high = self._kept[:, 0]
        self._mean_limit_s: float | None = None

    @property
    def mean_limit_s(self) -> float | None:
        """The mean response limit T of those that told one."""
        return self._mean_limit_s

    def see(self, present: Sequence[Waiting]) -> None:
        """Keep the contexts of the requests that were not present the last time, in the place of the oldest."""
        added = [one for one in present if one.key not in self._present]
        self._present = frozenset([one.key for one in present])
        if not added:
            return
        size = self._kept.shape[1]
        rows = contexts_of(added[-size:])
        self._kept[:, (self._next + np.arange(len(rows))) % size] = rows.T
        self._next = (self._next + len(rows)) % size
        self._low, self._high = np.fmin.reduce(self._kept, axis=1), np.fmax.reduce(self._kept, axis=1)
        limits_s = self._kept[2]
        told = limits_s[~np.isnan(limits_s)]
        self._mean_limit_s = float(told.mean()) if len(told) else None

    def scaled(self, contexts: Array) -> Array:
        """Return η, row by row, in 0..1; low is urgent.

        What is not told counts as 1, the least urgent: whoever tells more never comes later for it.
        """
        scaled = min_max(contexts, self._low, self._high)
        scaled[np.isnan(scaled)] = 1.0
        return scaled
