"""The comparison of servers: its arithmetic, its client against a server that stalls, and a short real run."""

from __future__ import annotations

import itertools
import json
import random
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmarks.server.__main__ import main
from benchmarks.server.arrivals import percentile, perfect_latencies_s, poisson_arrivals_s
from benchmarks.server.client import closed_loop, open_loop
from benchmarks.server.summary import Entrant, lines, promises
from benchmarks.server.table import render
from benchmarks.server.turn import Bare, Turn

REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"


def test_a_percentile_is_the_value_of_nearest_rank() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50.0
    assert percentile(values, 0.99) == 99.0
    assert percentile(values, 1.0) == 100.0
    assert percentile([7.0], 0.01) == 7.0
    with pytest.raises(ValueError, match="needs values"):
        percentile([], 0.5)


def test_arrivals_have_the_rate_and_the_scatter_of_a_poisson_process() -> None:
    arrivals_s = poisson_arrivals_s(100.0, 200.0, random.Random(1))
    assert arrivals_s == sorted(arrivals_s)
    assert arrivals_s[0] >= 0.0
    assert arrivals_s[-1] < 200.0
    assert len(arrivals_s) == pytest.approx(20_000, rel=0.03)
    gaps_s = [b - a for a, b in itertools.pairwise(arrivals_s)]
    assert statistics.stdev(gaps_s) == pytest.approx(statistics.mean(gaps_s), rel=0.05)


def test_a_perfect_server_queues_by_first_come_and_shares_work_among_its_workers() -> None:
    together_s = [0.0, 0.0, 0.0, 10.0]
    assert perfect_latencies_s(together_s, 1.0, workers=1) == [1.0, 2.0, 3.0, 1.0]
    assert perfect_latencies_s(together_s, 1.0, workers=2) == [1.0, 1.0, 2.0, 1.0]


def test_a_perfect_server_under_random_arrivals_waits_as_long_as_theory_says() -> None:
    """M/D/1: the mean wait is ρ / (2 (1 − ρ)) services (Pollaczek and Khinchine)."""
    arrivals_s = poisson_arrivals_s(0.8, 200_000.0, random.Random(2))
    waits_s = [latency_s - 1.0 for latency_s in perfect_latencies_s(arrivals_s, 1.0, workers=1)]
    assert statistics.mean(waits_s) == pytest.approx(0.8 / (2 * 0.2), rel=0.05)


@contextmanager
def server_that(speaks: str, stall_s: float = 0.0, stalls_at: int = -1) -> Iterator[tuple[int, list[int]]]:
    """Answers one request at a time, each fifth one with 503; the one with the number `stalls_at` takes `stall_s`.
    Gives its port and the numbers of the requests so far."""
    seen: list[int] = []
    turn = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = speaks

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            with turn:
                number = len(seen)
                seen.append(number)
                if number == stalls_at:
                    time.sleep(stall_s)
            self.send_response(503 if number % 5 == 4 else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *arguments: object) -> None: ...

    with serving(Handler) as port:
        yield port, seen


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def test_an_open_loop_charges_a_stall_to_all_whose_moment_fell_into_it() -> None:
    arrivals_s = [0.01 * n for n in range(40)]
    with server_that("HTTP/1.1", stall_s=0.3, stalls_at=2) as (port, _):
        load = open_loop(port, [REQUEST], arrivals_s)
    assert len(load.answers) == 40
    assert load.refused == 8
    # A caller that waits for its answer would have met the stall once; here some thirty were due within it.
    assert sum(time_s > 0.1 for time_s in load.times_s) >= 12
    assert max(load.times_s) >= 0.25
    assert [answer.due_s for answer in load.answers] == arrivals_s
    assert all(answer.latency_s >= answer.late_s >= 0.0 for answer in load.answers)


def test_an_open_loop_outlives_connections_that_close_unannounced_and_requests_without_an_answer() -> None:
    arrived: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            arrived.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.close_connection = True
            if len(arrived) == 2:
                return
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.send_header("Retry-After", str(len(arrived)))
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None: ...

    one, two = REQUEST, REQUEST[:-1] + b"y"
    with serving(Handler) as port:
        load = open_loop(port, [one, two, one], [0.0, 0.4, 0.8])
    assert arrived == [b"x", b"y", b"x"]
    assert [answer.status for answer in load.answers] == [200, 0, 200]
    assert [answer.headers.get("retry-after") for answer in load.answers] == ["1", None, "3"]


@pytest.mark.parametrize("protocol", ["HTTP/1.1", "HTTP/1.0"])
def test_a_closed_loop_counts_answers_and_refusals_and_outlives_closed_connections(protocol: str) -> None:
    with server_that(protocol) as (port, seen):
        load = closed_loop(port, [REQUEST], connections=3, duration_s=0.3)
    assert len(load.answers) == len(seen)
    assert load.refused == len(seen) // 5
    assert load.per_s == pytest.approx(len(load.times_s) / load.wall_s)
    assert load.wall_s >= 0.3


def turn(per_s: float, cpu_s: float, *, tail: float = 2.0) -> Turn:
    return Turn(
        per_s=per_s,
        busy_frac=0.9,
        cpu_s=cpu_s,
        alone_cpu_s=1.1 * cpu_s,
        p50_s=0.01,
        p99_s=0.02,
        loaded_p50_s=0.012,
        loaded_p99_s=0.01 * tail,
        perfect_tail=1.9,
        late_p99_s=0.001,
        refused=0,
        resident_bytes=1,
    )


def entrants() -> list[Entrant]:
    """A machine that halves its speed in the second round and recovers in the third."""
    speeds = (1.0, 0.5, 1.0)
    ours = Entrant(
        name="ours",
        model="m",
        versions="v 1",
        agrees=True,
        turns=tuple(turn(80.0 * speed, 0.012 / speed) for speed in speeds),
        bare=tuple(Bare(cpu_s=0.01 / speed, per_s=100.0 * speed) for speed in speeds),
    )
    slow = Entrant(
        name="slow",
        model="m",
        versions="v 2",
        turns=tuple(turn(8.0 * speed, 0.1 / speed) for speed in speeds),
        rival_of=ours,
        bound=8.0,
    )
    quick = Entrant(
        name="quick",
        model="m",
        versions="v 3",
        agrees=False,
        turns=tuple(turn(100.0 * speed, 0.01 / speed) for speed in speeds),
        rival_of=ours,
        bound=1.0,
    )
    return [ours, slow, quick]


def test_ratios_are_those_of_one_round_at_a_time_so_a_machine_with_moods_does_not_change_them() -> None:
    ours, slow, quick = lines(entrants())
    assert ours.per_s_ratio is None
    assert ours.bare_cpu_ratio is not None
    assert ours.bare_cpu_ratio.low == pytest.approx(ours.bare_cpu_ratio.high)
    assert ours.bare_per_s == 100.0
    assert slow.per_s_ratio is not None
    assert slow.per_s_ratio.median == pytest.approx(10.0)
    assert slow.cpu_ratio is not None
    assert slow.cpu_ratio.high == pytest.approx(0.1 / 0.012)
    assert quick.per_s_ratio is not None
    assert quick.per_s_ratio.median == pytest.approx(0.8)
    assert quick.medians["per_s"] == 100.0


def test_promises_are_kept_and_broken_by_the_figures() -> None:
    kept = {row.name: row.kept for row in promises(entrants())}
    assert kept == {
        "ours, m: CPU / bare, saturated": True,  # 1.2
        "ours, m: CPU / bare, one at a time": False,  # 1.32
        "ours, m: p99 at 80% / unloaded p50": True,  # 2
        "ours / slow: requests a second": True,  # 10 of 8
        "slow / ours: CPU a request": True,  # 8.3 of 8
        "ours / quick: requests a second": False,  # 0.8 of 1
        "quick / ours: CPU a request": False,  # 0.83 of 1
    }


def test_the_table_tells_what_was_not_measured_and_who_answers_otherwise() -> None:
    text = "\n".join(render(lines(entrants()), {"other": "not installed: .venv-other"}))
    assert "other          not measured: not installed: .venv-other" in text
    assert "quick, m: v 3; OTHER best classes" in text
    assert "ours, m: v 1; same best classes" in text


def test_a_short_run_measures_our_own_server(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick", "--alone", "--json"])
    document = json.loads(capsys.readouterr().out)
    (server,) = document["servers"]
    assert server["agrees"] is True
    assert server["medians"]["per_s"] > 0
    assert server["medians"]["p99_s"] >= server["medians"]["p50_s"] > 0
    assert len(document["promises"]) == 3
    assert document["not_measured"] == {}
