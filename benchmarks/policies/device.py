"""The device's one interpreter over virtual time: its queue, and what an upload beside it costs. No events."""

from __future__ import annotations

import math
from collections import deque

from benchmarks.policies.flight import Flight

__all__ = ["Device"]


class Device:
    """Works in order of arrival and cannot be stopped; images that have their answer by their turn are skipped.

    While `uploading` is on, computing takes `contention` times as long. `done_s` is when the running image will
    be done if that does not change, infinite when nothing runs.
    """

    def __init__(self, contention: float) -> None:
        self.running: Flight | None = None
        self.done_s = math.inf
        self._contention = contention
        self._uploading = False
        self._queue: deque[Flight] = deque()

    @property
    def waiting(self) -> int:
        """How many images are here, the running one included."""
        return len(self._queue) + (self.running is not None)

    def add(self, flight: Flight, now_s: float) -> None:
        flight.local_since_s = now_s
        self._queue.append(flight)
        if self.running is None:
            self.next(now_s)

    def next(self, now_s: float) -> None:
        """Leave what ran and take up the next image that still wants an answer."""
        self.running, self.done_s = None, math.inf
        while self.running is None and self._queue:
            flight = self._queue.popleft()
            if not flight.answered:
                flight.local_began_s = now_s
                self.running = flight
                self.done_s = now_s + flight.draw.local_s * (self._contention if self._uploading else 1.0)

    def set_uploading(self, uploading: bool, now_s: float) -> None:
        if uploading == self._uploading or self._contention == 1.0:
            return
        self._uploading = uploading
        if self.running is not None:
            left_s = self.done_s - now_s
            self.done_s = now_s + (left_s * self._contention if uploading else left_s / self._contention)

    def forecast_s(self, work_s: float, now_s: float, uploading_until_s: float) -> float:
        """When an image that needs `work_s` would be done if it came now and the uploads end as said."""
        if self.running is not None:
            left_s = self.done_s - now_s
            work_s += left_s / self._contention if self._uploading else left_s
            work_s += sum(flight.draw.local_s for flight in self._queue if not flight.answered)
        contended_s = max(uploading_until_s - now_s, 0.0)
        if work_s * self._contention <= contended_s:
            return now_s + work_s * self._contention
        return now_s + work_s + contended_s * (1.0 - 1.0 / self._contention)
