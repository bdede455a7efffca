"""How many requests may wait, adapted to the load. Pure: no clock, no queue; who must go others choose."""

from __future__ import annotations

__all__ = ["QueueLimit"]

_INTERVAL_S = 0.1
_INTERVAL_SERVICES = 4.0
_TOLERANCE = 3.0
_LEAST_GRADIENT = 0.5


class QueueLimit:
    """Between `least` and `most` requests may wait.

    A burst may fill the queue to `most`, as it will be worked off. A queue that *stands* only makes everyone
    late: that is one whose shortest length within an interval is more than `_TOLERANCE` service times long.
    (Standing queues, and the interval of 100 ms: CoDel, RFC 8289.) Then the limit falls to the share of the
    standing queue that is tolerable, but to no less than half, interval after interval (the gradient of
    Netflix's concurrency-limits). While a shorter one stands the limit grows by one each interval, and it doubles
    in each in which the queue was empty.

    The length is told as the seconds of work that wait, and not as what the requests have waited: where the
    urgent overtake, the shortest wait says nothing about the queue.
    """

    def __init__(self, *, least: int, most: int) -> None:
        self._least = min(least, most)
        self._most = most
        self._limit = most
        self._waiting = 0
        self._end_s: float | None = None
        self._standing_s = 0.0
        self._standing = 0

    @property
    def bound(self) -> int:
        """How many may wait after the next arrival. A limit that falls turns away no more than come: those who
        wait already are worked off."""
        return max(self._limit, self._waiting)

    def observe(self, now_s: float, *, waiting: int, backlog_s: float, service_s: float) -> None:
        """Take note that `waiting` requests wait, which keep all workers together busy for `backlog_s`.

        `service_s` is what one request takes. To be told whenever the queue has changed.
        """
        self._waiting = waiting
        if self._end_s is not None and now_s < self._end_s:
            if backlog_s < self._standing_s:
                self._standing_s, self._standing = backlog_s, waiting
            return
        if self._end_s is not None:
            self._adapt(_TOLERANCE * service_s)
        self._end_s = now_s + max(_INTERVAL_S, _INTERVAL_SERVICES * service_s)
        self._standing_s, self._standing = backlog_s, waiting

    def _adapt(self, tolerable_s: float) -> None:
        if self._standing_s > tolerable_s:
            gradient = max(_LEAST_GRADIENT, tolerable_s / self._standing_s)
            self._limit = max(self._least, min(self._limit, int(self._standing * gradient)))
        else:
            self._limit = min(self._most, self._limit + (1 if self._standing else max(1, self._limit)))
