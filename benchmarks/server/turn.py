"""One server's turn in a round: unloaded, saturated, and at a share of what it saturated at. Compares nothing."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from benchmarks.server.arrivals import percentile, perfect_latencies_s, poisson_arrivals_s
from benchmarks.server.client import Load, closed_loop, open_loop
from benchmarks.server.stack import Running
from benchmarks.server.stacks.work import Work

__all__ = ["LOAD_FRAC", "Bare", "Plan", "Turn", "bare", "take_turn"]

LOAD_FRAC = 0.8
_WARM_FRAC = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long each part of a turn lasts, with how many workers the servers were started, and how many callers
    saturate one: enough that each worker always finds a next request."""

    phase_s: float
    workers: int

    @property
    def connections(self) -> int:
        return 4 * self.workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """Preprocessing and inference without any server, on as many threads as the servers have workers."""

    cpu_s: float
    per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a server did. Times in seconds per request; CPU of all its processes.

    `loaded_*` are under Poisson arrivals at `LOAD_FRAC` of `per_s`; `perfect_tail` is the p99 of a server that
    takes exactly the mean time of the saturated part for each of the same arrivals, as a multiple of that time.
    `busy_frac` is how much of its cores the server had when saturated: well below 1 it is others on this machine
    who decided on `per_s`. `refused` counts answers other than 200, of all parts; `late_p99_s` is the load's own
    delay.
    """

    per_s: float
    busy_frac: float
    cpu_s: float
    alone_cpu_s: float
    p50_s: float
    p99_s: float
    loaded_p50_s: float
    loaded_p99_s: float
    perfect_tail: float
    late_p99_s: float
    refused: int
    resident_bytes: int

    @property
    def tail(self) -> float:
        """The p99 under load as a multiple of the median without."""
        return self.loaded_p99_s / self.p50_s


def bare(work: Sequence[Work], payloads: Sequence[bytes], duration_s: float) -> Bare:
    done = [0] * len(work)

    def one(thread: int) -> None:
        while time.perf_counter() < end_s:
            work[thread].predictions(payloads[done[thread] % len(payloads)])
            done[thread] += 1

    started_s, cpu_s = time.perf_counter(), time.process_time()
    end_s = started_s + duration_s
    threads = [threading.Thread(target=one, args=(thread,)) for thread in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pictures = sum(done)
    return Bare(cpu_s=(time.process_time() - cpu_s) / pictures, per_s=pictures / (time.perf_counter() - started_s))


def take_turn(server: Running, plan: Plan, loader: Executor, rng: random.Random) -> Turn:
    """`loader` runs the load elsewhere; this process waits for it. The server must be awake."""
    requests = server.stack.requests

    def closed(connections: int, duration_s: float) -> tuple[Load, float]:
        before_s = server.cpu_s()
        load = loader.submit(closed_loop, server.port, requests, connections, duration_s).result()
        if not load.times_s:
            raise RuntimeError(f"{server.stack.name} refused all of {load.refused} requests")
        return load, (server.cpu_s() - before_s) / len(load.answers)

    closed(plan.connections, _WARM_FRAC * plan.phase_s)
    alone, alone_cpu_s = closed(1, plan.phase_s)
    busy, busy_cpu_s = closed(plan.connections, plan.phase_s)
    arrivals_s = poisson_arrivals_s(LOAD_FRAC * busy.per_s, plan.phase_s, rng) or [0.0]
    loaded = loader.submit(open_loop, server.port, requests, arrivals_s).result()
    service_s = plan.workers / busy.per_s
    return Turn(
        per_s=busy.per_s,
        busy_frac=busy_cpu_s * len(busy.answers) / busy.wall_s / plan.workers,
        cpu_s=busy_cpu_s,
        alone_cpu_s=alone_cpu_s,
        p50_s=percentile(alone.times_s, 0.5),
        p99_s=percentile(alone.times_s, 0.99),
        loaded_p50_s=percentile(loaded.times_s, 0.5),
        loaded_p99_s=percentile(loaded.times_s, 0.99),
        perfect_tail=percentile(perfect_latencies_s(arrivals_s, service_s, plan.workers), 0.99) / service_s,
        late_p99_s=percentile([answer.late_s for answer in loaded.answers], 0.99),
        refused=alone.refused + busy.refused + loaded.refused,
        resident_bytes=server.resident_bytes(),
    )
