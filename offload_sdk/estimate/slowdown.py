"""How much slower the processor is now than when it is cool and idle. Nothing else."""

from __future__ import annotations

from offload_sdk._types import Snapshot

__all__ = ["slowdown"]

_LEAST_SHARE = 0.1  # a fair scheduler never starves a runnable thread below about this share


def slowdown(snapshot: Snapshot, *, threads: int, cores: int, throttled_factor: float) -> float:
    """Return the factor (≥ 1) on compute time that load by others and throttling bring.

    Processor sharing: `threads` threads on `cores` cores, of which others keep the share `cpu_load_frac`
    busy, run at full speed while enough cores are free, and then in proportion to what is left, but never
    below what the scheduler's fairness gives them. Unknown load or heat counts as none.
    """
    factor = 1.0
    load = snapshot.cpu_load_frac
    if load is not None and load > 0.0:
        wanted = min(threads, cores)
        free = cores * (1.0 - load)
        if free < wanted:
            fair = wanted / (wanted + cores * load)
            factor = 1.0 / max(free / wanted, fair, _LEAST_SHARE)
    if snapshot.throttled:
        factor *= throttled_factor
    return factor
