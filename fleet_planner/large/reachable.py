"""Which rows (devices) could be served by which servers, kept so that both can be asked quickly. No capacities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fleet_planner.geography import BoolArray, FloatArray, IntArray

__all__ = ["Reachable"]


class Reachable:
    """`may` is rows × servers. A second matrix, a bit a pair and by servers, is for questions of sets."""

    def __init__(self, may: BoolArray) -> None:
        self.may = may
        self._bits = np.packbits(may.T, axis=1)

    def __len__(self) -> int:
        return len(self.may)

    def subset(self, rows: IntArray | BoolArray) -> Reachable:
        return Reachable(self.may[rows])

    def rows_of(self, server: int, among: BoolArray) -> IntArray:
        """Return the rows of `among` that could be served there."""
        return np.flatnonzero(self._unpacked(self._bits[server] & np.packbits(among)))

    def reaching(self, servers: BoolArray) -> BoolArray:
        """Return which rows reach any of these servers."""
        return self._unpacked(np.bitwise_or.reduce(self._bits[servers], axis=0))

    def members(self, rows: BoolArray) -> IntArray:
        """Return for each server how many of these rows could be served there."""
        found: IntArray = np.bitwise_count(self._bits & np.packbits(rows)).sum(axis=1, dtype=np.int64)
        return found

    def weight(self, servers: FloatArray) -> NDArray[np.float32]:
        """Return for each row the sum of the weights of the servers that it reaches."""
        total = np.zeros(len(self), np.float32)
        for server in np.flatnonzero(servers):
            total += self._unpacked(self._bits[server]) * np.float32(servers[server])
        return total

    def _unpacked(self, bits: NDArray[np.uint8]) -> BoolArray:
        return np.unpackbits(bits, count=len(self)).view(np.bool_)
