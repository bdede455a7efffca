"""One server and one load: how quick it is by itself, and what became of the load. Compares nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass

from benchmarks.overload.crowd import Caller, requests
from benchmarks.server.arrivals import percentile
from benchmarks.server.client import Answer, Load, closed_loop, open_loop
from benchmarks.server.stack import Running

__all__ = ["Bout", "Pace", "face", "pace", "recovery_s", "warm"]

_CONNECTIONS_A_WORKER = 4
_SAMPLE_S = 0.25
_ROW = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What a server sustains, and its latencies with one caller at a time."""

    per_s: float
    p50_s: float
    p95_s: float

    @property
    def normal_s(self) -> float:
        """A latency that does not tell of a queue: within 5 ms more than twice the unloaded p95."""
        return 2 * self.p95_s + 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class Bout:
    """What became of a load. Fractions are of the requests sent, but `retry_after_frac` of those with a 503.

    In time is what was answered with 200 by its deadline, counted from the moment when its request was due.
    Memory is the greatest in the first and the last quarter of the load. `recovery_s` counts from the end of the
    load; None: the server was not normal again while it was watched. `late_p99_s` is the load's own delay.
    """

    statuses: dict[int, int]
    retry_after_frac: float
    urgent_frac: float
    patient_frac: float
    first_bytes: int
    last_bytes: int
    recovery_s: float | None
    late_p99_s: float


def warm(server: Running, workers: int, duration_s: float, loader: Executor) -> Load:
    """Keep all workers busy."""
    connections = _CONNECTIONS_A_WORKER * workers
    return loader.submit(closed_loop, server.port, server.stack.requests, connections, duration_s).result()


def pace(server: Running, workers: int, duration_s: float, loader: Executor) -> Pace:
    """Each of the two parts takes `duration_s`. `loader` runs the load elsewhere."""
    alone = loader.submit(closed_loop, server.port, server.stack.requests, 1, duration_s).result()
    return Pace(
        per_s=warm(server, workers, duration_s, loader).per_s,
        p50_s=percentile(alone.times_s, 0.5),
        p95_s=percentile(alone.times_s, 0.95),
    )


def face(
    server: Running,
    callers: Sequence[Caller],
    after: Sequence[Caller],
    payloads: Sequence[bytes],
    normal_s: float,
    loader: Executor,
) -> Bout:
    """Send the load, and with no pause what comes `after` it: that finds what the load has left behind, and tells
    when answers take no longer than `normal_s` again. The load ends when the first of `after` is due."""
    end_s = after[0].at_s
    every = [*callers, *after]
    arrivals_s = [caller.at_s for caller in every]
    sending = loader.submit(open_loop, server.port, requests(every, payloads), arrivals_s)
    memory = _memory(server, sending, end_s)
    answers = sending.result().answers
    of_load, of_probes = answers[: len(callers)], answers[len(callers) :]
    turned_away = [answer for answer in of_load if answer.status == 503]
    quarter = max(1, len(memory) // 4)
    return Bout(
        statuses=dict(sorted(Counter(answer.status for answer in of_load).items())),
        retry_after_frac=sum(int(one.headers.get("retry-after", 0)) >= 1 for one in turned_away)
        / max(1, len(turned_away)),
        urgent_frac=_in_time_frac(callers, of_load, "urgent"),
        patient_frac=_in_time_frac(callers, of_load, "patient"),
        first_bytes=max(memory[:quarter]),
        last_bytes=max(memory[-quarter:]),
        recovery_s=recovery_s(of_probes, normal_s, end_s),
        late_p99_s=percentile([answer.late_s for answer in of_load], 0.99),
    )


def recovery_s(answers: Sequence[Answer], normal_s: float, end_s: float) -> float | None:
    """When after `end_s` the first of `_ROW` normal answers in a row was due; None if there is no such row."""
    row = 0
    for number, answer in enumerate(answers):
        row = row + 1 if answer.status == 200 and answer.latency_s <= normal_s else 0
        if row == _ROW:
            return answers[number - _ROW + 1].due_s - end_s
    return None


def _in_time_frac(callers: Sequence[Caller], answers: Sequence[Answer], kind: str) -> float:
    chosen = [pair for pair in zip(callers, answers, strict=True) if pair[0].kind == kind]
    return sum(_in_time(*pair) for pair in chosen) / max(1, len(chosen))


def _in_time(caller: Caller, answer: Answer) -> bool:
    deadline_s = caller.context.deadline_s
    return answer.status == 200 and (deadline_s is None or answer.latency_s <= deadline_s)


def _memory(server: Running, sending: Future[Load], load_s: float) -> list[int]:
    """The server's resident bytes while the load lasts."""
    end_s = time.perf_counter() + load_s
    samples = [server.resident_bytes()]
    while time.perf_counter() < end_s and not wait([sending], _SAMPLE_S).done:
        samples.append(server.resident_bytes())
    return samples
