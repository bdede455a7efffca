"""A clock that tests move by hand. It reads no real time and never waits."""

from __future__ import annotations

import math
import threading


class FakeClock:
    """A monotonic clock that stands still until `advance` is called. Safe for several threads.

        clock = FakeClock()
        offloader = Offloader(config, clock=clock)
        clock.advance(30.0)

    An instance is an `offload_sdk.typing.Clock`. `sleep` stands in for `time.sleep`: it moves the clock
    instead of waiting.
    """

    def __init__(self, start_s: float = 0.0) -> None:
        self._now_s = start_s
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """Seconds since an arbitrary point."""
        with self._lock:
            return self._now_s

    def advance(self, seconds: float) -> float:
        """Move forward by `seconds` (≥ 0, finite) and return the new time; `ValueError` otherwise."""
        if not (seconds >= 0.0 and math.isfinite(seconds)):
            raise ValueError(f"a monotonic clock moves forward by a finite time, not by {seconds!r} s")
        with self._lock:
            self._now_s += seconds
            return self._now_s

    def sleep(self, seconds: float) -> None:
        """What `time.sleep` would do, at once."""
        self.advance(seconds)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self()!r})"
