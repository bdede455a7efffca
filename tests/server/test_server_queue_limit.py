"""The bound on the queue, in a simulated one: random arrivals, workers that take the same time for each."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field

import pytest

from server_stub.queue_limit import QueueLimit

SERVICE_S = 0.012
WORKERS = 2
MOST = 64


@dataclass
class Simulated:
    """First come, first served; the latest go when there are too many."""

    limit: QueueLimit = field(default_factory=lambda: QueueLimit(least=WORKERS, most=MOST))
    now_s: float = 0.0
    ends_s: list[float] = field(default_factory=list)
    queue: list[float] = field(default_factory=list)
    waits_s: list[float] = field(default_factory=list)
    lengths: list[tuple[float, int]] = field(default_factory=list)
    turned_away: int = 0

    def run(self, arrivals_s: list[float]) -> None:
        for arrival_s in arrivals_s:
            while self.ends_s and self.ends_s[0] <= arrival_s:
                self.now_s = heapq.heappop(self.ends_s)
                self._changed()
            self.now_s = arrival_s
            self.queue.append(arrival_s)
            self._changed()

    def _changed(self) -> None:
        while self.queue and len(self.ends_s) < WORKERS:
            self.waits_s.append(self.now_s - self.queue.pop(0))
            heapq.heappush(self.ends_s, self.now_s + SERVICE_S)
        self.turned_away += max(0, len(self.queue) - self.limit.bound)
        del self.queue[self.limit.bound :]
        backlog_s = len(self.queue) * SERVICE_S / WORKERS
        self.limit.observe(self.now_s, waiting=len(self.queue), backlog_s=backlog_s, service_s=SERVICE_S)
        self.lengths.append((self.now_s, len(self.queue)))


def poisson(rng: random.Random, load: float, from_s: float, to_s: float) -> list[float]:
    arrivals_s = []
    at_s = from_s
    while (at_s := at_s + rng.expovariate(load * WORKERS / SERVICE_S)) < to_s:
        arrivals_s.append(at_s)
    return arrivals_s


@pytest.mark.parametrize("load", [1.5, 2.0, 10.0])
def test_a_minute_of_overload_has_a_short_queue_and_busy_workers(load):
    queue = Simulated()
    queue.run(poisson(random.Random(1), load, 0.0, 60.0))
    assert max(length for at_s, length in queue.lengths if at_s > 1.0) < MOST / 2
    assert len(queue.waits_s) > 0.97 * 60.0 * WORKERS / SERVICE_S
    waits_s = sorted(queue.waits_s)
    assert waits_s[len(waits_s) // 2] < 5 * SERVICE_S
    assert waits_s[len(waits_s) * 99 // 100] < 10 * SERVICE_S


def test_after_the_overload_a_burst_finds_all_the_room_again():
    queue = Simulated()
    queue.run(poisson(random.Random(2), 2.0, 0.0, 10.0))
    assert queue.limit.bound < MOST
    queue.run(poisson(random.Random(3), 0.5, 10.0, 10.6))
    assert queue.limit.bound == MOST


def test_a_burst_into_an_idle_server_is_worked_off():
    queue = Simulated()
    queue.run([0.001 * number for number in range(MOST)])
    queue.run([5.0])
    assert queue.turned_away == 0


def test_a_limit_that_falls_keeps_out_the_next_and_sends_no_one_away():
    limit = QueueLimit(least=2, most=8)
    for number in range(20):
        limit.observe(number * 0.1, waiting=8, backlog_s=1.0, service_s=0.01)
        assert limit.bound == 8
    for left in range(7, 3, -1):
        limit.observe(2.0, waiting=left, backlog_s=1.0, service_s=0.01)
        assert limit.bound == left


def test_a_load_below_the_sustainable_one_is_served():
    queue = Simulated()
    arrivals_s = poisson(random.Random(4), 0.8, 0.0, 60.0)
    queue.run(arrivals_s)
    assert queue.turned_away < 0.005 * len(arrivals_s)


def test_it_stays_within_its_bounds():
    limit = QueueLimit(least=4, most=2)
    for number in range(100):
        limit.observe(number * 0.2, waiting=2, backlog_s=10.0, service_s=0.01)
        assert limit.bound == 2
    none = QueueLimit(least=2, most=0)
    none.observe(0.0, waiting=0, backlog_s=0.0, service_s=0.01)
    none.observe(1.0, waiting=0, backlog_s=0.0, service_s=0.01)
    assert none.bound == 0
