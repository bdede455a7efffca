"""Who is served by whom in the making: placing devices, and making room for more by moving others. Knows no price.

Servers as nodes, with an edge from u to v where a device at u could go to v: along a way from a full server to one
with a free slot every device moves by one, and the first server has a slot free. Where no way is left, the number
of devices served is the largest there can be (König's theorem), so what `fill` leaves is proven, not tried.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from fleet_planner.geography import BoolArray, IntArray
from fleet_planner.large.reachable import Reachable

__all__ = ["Assignment"]

_NOWHERE = np.iinfo(np.int16).max
_PIECE = 1024


class Assignment:
    """`server[i]` serves row i, -1: nobody does. Servers without slots are closed."""

    def __init__(self, reachable: Reachable, slots: IntArray) -> None:
        self.slots = slots
        self.server = np.full(len(reachable), -1, np.int32)
        self.load = np.zeros(len(slots), np.int64)
        self._reachable = reachable
        self._may = reachable.may
        self._exits = np.zeros((len(slots), len(slots)), np.int32)  # [u, v]: devices at u that could go to v

    @property
    def free(self) -> IntArray:
        return self.slots - self.load

    @property
    def unserved(self) -> IntArray:
        return np.flatnonzero(self.server < 0)

    def place(self, rows: IntArray, server: int) -> None:
        """Let rows that nobody serves be served; the caller has seen that there is room."""
        self.server[rows] = server
        self.load[server] += len(rows)
        for some in _pieces(rows):
            self._exits[server] += self._may[some].sum(axis=0, dtype=np.int32)

    def release(self, rows: IntArray) -> None:
        """Leave rows unserved that one server serves."""
        server = self.server[rows[0]]
        self.server[rows] = -1
        self.load[server] -= len(rows)
        self._exits[server] -= self._may[rows].sum(axis=0, dtype=np.int32)

    def serve_most(self) -> IntArray:
        """Serve as many rows as can be; return those that cannot be.

        Free slots go to those first who reach the fewest servers with slots.
        """
        choices = np.rint(self._reachable.weight((self.slots > 0).astype(np.float64))).astype(np.int64)
        unserved = self.server < 0
        for server in np.flatnonzero(self.free > 0):
            rows = self._reachable.rows_of(int(server), unserved)
            free = int(self.free[server])
            if len(rows) > free:
                rows = rows[np.argpartition(choices[rows], free)[:free]]
            self.place(rows, int(server))
            unserved[rows] = False
        self._make_room(self.unserved)
        return self.unserved

    def reached(self, rows: IntArray) -> BoolArray:
        """Return the servers that these rows reach, and all to which devices could go from them in any moves."""
        found = self._may[rows].any(axis=0) & (self.slots > 0)
        frontier = np.flatnonzero(found)
        while len(frontier):
            onward = (self._exits[frontier] > 0).any(axis=0) & (self.slots > 0) & ~found
            found |= onward
            frontier = np.flatnonzero(onward)
        return found

    def _make_room(self, left: IntArray) -> None:
        while len(left) and (free := int(self.free.sum())):
            steps, onward = self._ways()
            some, left = np.split(left, [min(max(_PIECE, free), len(left))])
            first = self._nearest(some, steps)
            # Without a way now there will be none after others have gone theirs either.
            some, first = some[first >= 0], first[first >= 0]
            pushed = [self._push(int(row), int(server), onward) for row, server in zip(some, first, strict=True)]
            again = some[~np.array(pushed, bool)]  # the first of a round always gets through
            left = np.concatenate((again, left))

    def _ways(self) -> tuple[IntArray, IntArray]:
        """Return how many moves each server is from a free slot, and where the first of them goes."""
        steps = np.where(self.free > 0, 0, _NOWHERE).astype(np.int16)
        onward = np.full(len(steps), -1)
        frontier = np.flatnonzero(steps == 0)
        while len(frontier):
            exits = self._exits[:, frontier] > 0
            found = np.flatnonzero(exits.any(axis=1) & (steps == _NOWHERE))
            onward[found] = frontier[exits[found].argmax(axis=1)]
            steps[found] = steps[frontier[0]] + 1
            frontier = found
        return steps, onward

    def _nearest(self, rows: IntArray, steps: IntArray) -> IntArray:
        """Return for each row the server it could go to that is the fewest moves from a free slot; -1: none."""
        far = np.where(self._may[rows], steps, np.int16(_NOWHERE))
        first = far.argmin(axis=1)
        return np.where(far[np.arange(len(rows)), first] < _NOWHERE, first, -1)

    def _push(self, row: int, server: int, onward: IntArray) -> bool:
        """Serve a row at `server`, moving one device along each step of the way; False: it is no way any more."""
        way = [server]
        while onward[way[-1]] >= 0:
            if self._exits[way[-1], onward[way[-1]]] <= 0:
                return False
            way.append(int(onward[way[-1]]))
        if self.free[way[-1]] <= 0:
            return False
        for here, there in zip(way[-2::-1], way[:0:-1], strict=True):
            at = np.flatnonzero(self.server == here)
            self._move(int(at[self._may[at, there].argmax()]), there)
        self._move(row, server)
        return True

    def _move(self, row: int, to: int) -> None:
        before = self.server[row]
        if before >= 0:
            self.load[before] -= 1
            self._exits[before] -= self._may[row]
        self.server[row] = to
        self.load[to] += 1
        self._exits[to] += self._may[row]


def _pieces(rows: IntArray) -> Iterator[IntArray]:
    return (rows[first : first + _PIECE] for first in range(0, len(rows), _PIECE))
