"""The server over virtual time: its workers, its queue, and other clients that load it. No network, no events."""

from __future__ import annotations

import heapq
import math
import random

__all__ = ["OtherClients", "Server"]


class OtherClients:
    """Requests of other clients, drawn as far as they are needed and the same for all who look.

    A Poisson process of requests that need `service_s` each and keep `busy_workers` workers busy in the mean.
    """

    def __init__(self, busy_workers: float, service_s: float, seed: int) -> None:
        self.service_s = service_s
        self._per_s = busy_workers / service_s if service_s > 0.0 else 0.0
        self._rng = random.Random(f"{seed}/other clients")
        self._arrivals_s: list[float] = []
        self._last_s = 0.0

    def arrival_s(self, number: int) -> float:
        while len(self._arrivals_s) <= number:
            self._last_s += self._rng.expovariate(self._per_s) if self._per_s > 0.0 else math.inf
            self._arrivals_s.append(self._last_s)
        return self._arrivals_s[number]


class Server:
    """First come, first served by `workers`, each one request at a time; None: as many as there are requests."""

    def __init__(self, workers: int | None, others: OtherClients) -> None:
        self._free_s = None if workers is None else [0.0] * workers
        self._others = others
        self._seen = 0

    def serve(self, arrives_s: float, service_s: float) -> float:
        """Return when a request that arrives then, no earlier than those before it, is done."""
        if self._free_s is None:
            return arrives_s + service_s
        while (other_s := self._others.arrival_s(self._seen)) <= arrives_s:
            self._seen += 1
            self._take(other_s, self._others.service_s)
        return self._take(arrives_s, service_s)

    def copy(self) -> Server:
        """A server in the same state, to look ahead with."""
        twin = Server(None, self._others)
        twin._free_s = None if self._free_s is None else self._free_s.copy()
        twin._seen = self._seen
        return twin

    def _take(self, arrives_s: float, service_s: float) -> float:
        assert self._free_s is not None
        done_s = max(self._free_s[0], arrives_s) + service_s
        heapq.heapreplace(self._free_s, done_s)
        return done_s
