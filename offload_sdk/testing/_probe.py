"""A device probe that plays a script. It reads no real device."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import replace

from offload_sdk._types import Snapshot
from offload_sdk.typing import Clock


class ScriptedProbe:
    """An `offload_sdk.typing.DeviceProbe` that plays `script` and then holds its last snapshot.

    Without a clock each `read` returns the next snapshot, unchanged. With a clock the snapshots' `taken_s` say
    how many seconds after the first read each one comes into force (in rising order), and what `read` returns
    carries the clock's time as its `taken_s`. Safe for several threads.

    Attributes:
        reads: how many times the probe was read.
    """

    def __init__(self, script: Iterable[Snapshot], clock: Clock | None = None) -> None:
        """`ValueError` when the script is empty or, with a clock, does not rise in time."""
        self._script = tuple(script)
        if not self._script:
            raise ValueError("a scripted probe needs at least one snapshot")
        self._times_s = [snapshot.taken_s for snapshot in self._script]
        if clock is not None and self._times_s != sorted(self._times_s):
            raise ValueError("with a clock, the snapshots must be in the order of their taken_s")
        self._clock = clock
        self._origin_s: float | None = None
        self._lock = threading.Lock()
        self.reads = 0

    def read(self) -> Snapshot:
        with self._lock:
            index = min(self.reads, len(self._script) - 1)
            self.reads += 1
            if self._clock is None:
                return self._script[index]
            now_s = self._clock()
            if self._origin_s is None:
                self._origin_s = now_s
            played = bisect_right(self._times_s, now_s - self._origin_s)
            return replace(self._script[max(played - 1, 0)], taken_s=now_s)
