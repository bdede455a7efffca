"""How busy other processes keep the processor. Differences of counters only; never waits for an interval."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["CpuTimes", "LoadReader", "system_cpu_times"]

# Counters step by 10 ms on most kernels; over a shorter interval than this the quotient is mostly rounding.
MIN_INTERVAL_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuTimes:
    """Seconds since boot summed over all cores: `busy_s` of `total_s`, and `own_s` used by this process."""

    busy_s: float
    total_s: float
    own_s: float


def system_cpu_times() -> CpuTimes:
    """Read the counters by psutil. Time stolen by a hypervisor counts as busy: this process cannot have it."""
    import psutil

    times = psutil.cpu_times()
    idle_s = float(times.idle) + float(getattr(times, "iowait", 0.0))
    # Linux counts a guest's time in `user` already; psutil reports it once more.
    guest_s = float(getattr(times, "guest", 0.0)) + float(getattr(times, "guest_nice", 0.0))
    total_s = float(sum(times)) - guest_s
    own = os.times()
    return CpuTimes(busy_s=total_s - idle_s, total_s=total_s, own_s=own.user + own.system)


class LoadReader:
    """Gives the load by other processes between two reads, as a fraction of all cores, or None at first."""

    def __init__(self, times: Callable[[], CpuTimes] = system_cpu_times, cores: int | None = None) -> None:
        self._times = times
        self._cores = cores or os.cpu_count() or 1
        self._last: CpuTimes | None = None
        self._load: float | None = None

    def read(self) -> float | None:
        """Return 0..1 over the time since the last read, or the last value if that is too short a time ago."""
        now, last = self._times(), self._last
        if last is None:
            self._last = now
            return None
        total_s = now.total_s - last.total_s
        if total_s < 0.0:  # counters began again: suspend, or a container moved
            self._last, self._load = now, None
            return None
        if total_s < MIN_INTERVAL_S * self._cores:
            return self._load
        other_s = (now.busy_s - last.busy_s) - (now.own_s - last.own_s)
        self._last = now
        self._load = min(1.0, max(0.0, other_s / total_s))
        return self._load
