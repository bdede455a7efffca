"""What a step of each scheduler costs: `python -m benchmarks.scheduling`.

A step that decides, over a full queue and with a free place on each worker, in CPU time on one core. 10,000
requests are far more than the server lets wait; fewer than 100 are usual, and there a step should take well under
1 ms. Half of the requests tell of their device, nine in ten have a deadline; the workers have three speeds. One
scheduler takes all steps, each with other requests and long after the last; the figure is the median.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Sequence

from benchmarks.results import Row, publish
from server_stub.scheduling import SCHEDULERS, Finished, QueueState, Start, Waiting, WorkerState, make_scheduler

QUEUES = (10, 100, 10_000)
WORKERS = (8, 64)
_BOUNDS_MS = {(100, 8): 1.0, (10_000, 8): 50.0, (10_000, 64): 50.0}


def queue(count: int, first_key: int, now_s: float, random_: random.Random) -> list[Waiting]:
    entries = []
    for index in range(count):
        arrived_s = now_s - 5.0 + 5.0 * index / count
        told = random_.random() < 0.5
        entries.append(
            Waiting(
                key=first_key + index,
                arrived_s=arrived_s,
                image_bytes=random_.randrange(2_000, 500_000),
                due_s=arrived_s + random_.uniform(5.0, 30.0) if random_.random() < 0.9 else None,
                battery_frac=random_.random() if told else None,
                signal_dbm=random_.uniform(-95.0, -40.0) if told else None,
                service_s=random_.uniform(0.005, 0.5),
            )
        )
    return entries


def workers(count: int) -> list[WorkerState]:
    return [WorkerState(number=number, speed=(0.5, 1.0, 1.5)[number % 3]) for number in range(count)]


def steps_s(name: str, waiting: int, worker_count: int, steps: int) -> list[float]:
    """Return the CPU seconds of each step."""
    random_ = random.Random(1)
    scheduler, crew = make_scheduler(name), workers(worker_count)
    ended = (Finished(key=-1, worker=0, service_s=0.1),)
    times_s = []
    for index in range(steps):
        now_s = 100.0 * (1 + index)
        entries = queue(waiting, index * waiting, now_s, random_)
        state = QueueState(now_s=now_s, waiting=entries, workers=crew, finished=ended)
        began_s = time.process_time()
        actions = scheduler.step(state)
        times_s.append(time.process_time() - began_s)
        if sum(isinstance(action, Start) for action in actions) != min(waiting, worker_count):
            raise AssertionError(f"{name} has left a worker idle")
    return times_s[1:]  # the first one loads SciPy


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--steps", type=int, default=30)
    options = parser.parse_args(arguments)
    rows = [
        Row(
            name=f"{name}, {waiting} waiting, {worker_count} workers",
            value=1e3 * statistics.median(steps_s(name, waiting, worker_count, options.steps)),
            unit="ms",
            bound=_BOUNDS_MS.get((waiting, worker_count)),
        )
        for name in SCHEDULERS
        for waiting in QUEUES
        for worker_count in WORKERS
    ]
    return 0 if publish("scheduling", rows) else 1


if __name__ == "__main__":
    raise SystemExit(main())
