"""Bounds the request bodies in memory, their number and their bytes. Only counts: no I/O, no queue, no HTTP."""

from __future__ import annotations

__all__ = ["Intake", "Place"]


class Intake:
    """Room for `max_bodies` bodies of together `max_bytes`.

    `bodies` and `held_bytes` say what is taken. One thread uses it, so nothing is locked.
    """

    def __init__(self, *, max_bodies: int, max_bytes: int) -> None:
        self.max_bodies = max_bodies
        self.max_bytes = max_bytes
        self.bodies = 0
        self.held_bytes = 0

    def enter(self) -> Place | None:
        """Return a place for one body, or None if there is none left."""
        return Place(self) if self.bodies < self.max_bodies else None


class Place:
    """One body's share, taken when made and given back by `leave`, which may be called again without harm."""

    __slots__ = ("_held_bytes", "_intake", "_left")

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._held_bytes = 0
        self._left = False
        intake.bodies += 1

    def hold(self, size_bytes: int) -> bool:
        """Take room for a body that has this size by now; False, with no more taken, if there is too little."""
        more_bytes = size_bytes - self._held_bytes
        if more_bytes <= 0:
            return True
        if self._intake.held_bytes + more_bytes > self._intake.max_bytes:
            return False
        self._intake.held_bytes += more_bytes
        self._held_bytes = size_bytes
        return True

    def leave(self) -> None:
        if not self._left:
            self._left = True
            self._intake.bodies -= 1
            self._intake.held_bytes -= self._held_bytes
