"""When requests come, and what a queue makes of it. Arithmetic only: no clock, no socket."""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Sequence

__all__ = ["percentile", "perfect_latencies_s", "poisson_arrivals_s"]


def percentile(values: Sequence[float], frac: float) -> float:
    """The smallest of the values that at least `frac` of them do not exceed (nearest rank). Raises: ValueError."""
    if not values or not 0.0 < frac <= 1.0:
        raise ValueError("a percentile needs values and a share above 0 and at most 1")
    return sorted(values)[math.ceil(frac * len(values)) - 1]


def poisson_arrivals_s(rate_per_s: float, duration_s: float, rng: random.Random) -> list[float]:
    """Moments from 0 to `duration_s` at which independent callers ask: exponential gaps of mean 1 / rate."""
    arrivals_s: list[float] = []
    at_s = rng.expovariate(rate_per_s)
    while at_s < duration_s:
        arrivals_s.append(at_s)
        at_s += rng.expovariate(rate_per_s)
    return arrivals_s


def perfect_latencies_s(arrivals_s: Sequence[float], service_s: float, workers: int) -> list[float]:
    """The latencies if each of the workers took exactly `service_s` for a request, first come first served.

    No server whose work cannot be divided does better on these arrivals, so this is what a tail under load has
    to be compared with: much of it is the arrivals' own.
    """
    free_s = [0.0] * workers
    latencies_s = []
    for at_s in arrivals_s:
        done_s = max(at_s, heapq.heappop(free_s)) + service_s
        heapq.heappush(free_s, done_s)
        latencies_s.append(done_s - at_s)
    return latencies_s
