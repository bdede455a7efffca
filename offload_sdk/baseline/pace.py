"""How much time an experiment still takes. Pure.

Each way has a pace of its own, the mean of its latest measurements: what it took, not what went by, so that a wait
for a server that had died does not count. What passes between measurements is added as its median.
"""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict, deque
from collections.abc import Iterable

from offload_sdk.baseline.measurement import Key
from offload_sdk.baseline.order import Way

__all__ = ["Pace"]

_LATEST = 200


class Pace:
    def __init__(self, keys: Iterable[Key]) -> None:
        """`keys` are what is still to be measured."""
        self._left = Counter(Way(key.target, key.payload) for key in keys)
        self._latencies_s: defaultdict[Way, deque[float]] = defaultdict(lambda: deque(maxlen=_LATEST))
        self._between_s: deque[float] = deque(maxlen=_LATEST)

    def seen(self, key: Key, latency_s: float) -> None:
        """Learn from a measurement of an earlier process."""
        self._latencies_s[Way(key.target, key.payload)].append(latency_s)

    def done(self, key: Key, latency_s: float, between_s: float) -> None:
        """Note a measurement, and what went by between the one before it and this one."""
        self.seen(key, latency_s)
        self._left[Way(key.target, key.payload)] -= 1
        self._between_s.append(between_s)

    def left_s(self) -> float | None:
        """Seconds that are left; None while a way has not been measured yet."""
        between_s = statistics.median(self._between_s) if self._between_s else 0.0
        total_s = 0.0
        for way, count in self._left.items():
            if count:
                if not self._latencies_s[way]:
                    return None
                total_s += count * (statistics.fmean(self._latencies_s[way]) + between_s)
        return total_s
