"""What twice the sustainable load does to the server: `python -m benchmarks.overload [--seconds 60] [--json]`.

For each scheduler a server runs as a process of its own. What it can sustain is measured with as many
connections as it has workers. Then requests arrive at random (Poisson) at `--load` times that rate, a third of
them from devices with an almost empty battery and six unloaded latencies until their deadline, the others with
2 s; no one waits for an answer before sending. Printed are the statuses, how many of each kind were answered in
time, the server's memory in the first and the last quarter, and how soon after the load the server was normal
again: when the first of twenty requests in a row was sent, at a third of what it sustains, that were answered
within 5 ms more than twice the unloaded p95.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

import psutil
from PIL import Image

from benchmarks.open_loop import Exchange, Shot, closed_loop, open_loop
from offload_sdk.model import open_picture, resolve
from offload_sdk.wire import RequestContext
from server_stub.scheduling import DEFAULT_SCHEDULER

__all__ = ["Result", "arrivals", "in_time_frac", "measure", "plain", "recovery_s"]

_URGENT_SHARE = 1 / 3
_URGENT_SERVICES = 6.0
_PATIENT_S = 2.0
_ROW = 20
_RETRY_AFTER = "retry-after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One scheduler under overload. Rates per second, fractions of the requests sent, memory in bytes."""

    scheduler: str
    sustained_per_s: float
    offered_per_s: float
    unloaded_s: float
    outside_s: float
    statuses: dict[str, int]
    retry_after_frac: float
    urgent_frac: float
    patient_frac: float
    memory_first_bytes: int
    memory_last_bytes: int
    recovery_s: float | None


def arrivals(
    images: Sequence[bytes], *, per_s: float, seconds: float, urgent_s: float, rng: random.Random
) -> list[Shot]:
    """Poisson arrivals; a third of them urgent: battery at 8 %, and `urgent_s` until the deadline."""
    shots = []
    at_s = rng.expovariate(per_s)
    while at_s < seconds:
        urgent = rng.random() < _URGENT_SHARE
        context = (
            RequestContext(deadline_s=urgent_s, battery_frac=0.08, signal_dbm=-80.0)
            if urgent
            else RequestContext(deadline_s=_PATIENT_S, battery_frac=0.9, signal_dbm=-55.0)
        )
        kind = "urgent" if urgent else "patient"
        shots.append(Shot(at_s=at_s, image=rng.choice(images), context=context, kind=kind))
        at_s += rng.expovariate(per_s)
    return shots


def in_time_frac(exchanges: Sequence[Exchange], kind: str) -> float:
    chosen = [exchange for exchange in exchanges if exchange.shot.kind == kind]
    return sum(exchange.in_time for exchange in chosen) / max(1, len(chosen))


class Memory:
    """Samples a process's resident memory while it is entered."""

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self.samples: list[int] = []

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.1):
            self.samples.append(self._process.memory_info().rss)

    def quarters(self) -> tuple[int, int]:
        quarter = max(1, len(self.samples) // 4)
        return max(self.samples[:quarter]), max(self.samples[-quarter:])


def plain(images: Sequence[bytes], count: int, per_s: float = 1.0) -> list[Shot]:
    return [
        Shot(at_s=number / per_s, image=images[number % len(images)], context=RequestContext())
        for number in range(count)
    ]


def recovery_s(exchanges: Sequence[Exchange], normal_s: float) -> float | None:
    """When the first of `_ROW` normal answers in a row was sent; None if there is no such row."""
    row = 0
    for number, exchange in enumerate(exchanges):
        row = row + 1 if exchange.status == 200 and exchange.latency_s <= normal_s else 0
        if row == _ROW:
            return exchanges[number - _ROW + 1].sent_s
    return None


def measure(
    scheduler: str, port: int, process: psutil.Process, images: Sequence[bytes], options: argparse.Namespace
) -> Result:
    """Put one running server under load."""
    asyncio.run(closed_loop(port, plain(images, 40), options.workers))  # warms it
    unloaded = asyncio.run(closed_loop(port, plain(images, 100), 1))
    latencies_s = sorted(exchange.latency_s for exchange in unloaded)
    began_s = time.perf_counter()
    count = 300
    asyncio.run(closed_loop(port, plain(images, count), options.workers))
    sustained_per_s = count / (time.perf_counter() - began_s)
    shots = arrivals(
        images,
        per_s=options.load * sustained_per_s,
        seconds=options.seconds,
        urgent_s=_URGENT_SERVICES * statistics.median(latencies_s),
        rng=random.Random(options.seed),
    )
    with Memory(process) as memory:
        exchanges = asyncio.run(open_loop(port, shots))
    after = asyncio.run(open_loop(port, plain(images, 200, sustained_per_s / 3)))
    turned_away = [exchange for exchange in exchanges if exchange.status == 503]
    first_bytes, last_bytes = memory.quarters()
    return Result(
        scheduler=scheduler,
        sustained_per_s=sustained_per_s,
        offered_per_s=len(shots) / options.seconds,
        unloaded_s=statistics.median(latencies_s),
        outside_s=statistics.median(exchange.latency_s - exchange.server_s for exchange in unloaded),
        statuses={str(status): count for status, count in sorted(Counter(e.status for e in exchanges).items())},
        retry_after_frac=sum(_RETRY_AFTER in e.headers for e in turned_away) / max(1, len(turned_away)),
        urgent_frac=in_time_frac(exchanges, "urgent"),
        patient_frac=in_time_frac(exchanges, "patient"),
        memory_first_bytes=first_bytes,
        memory_last_bytes=last_bytes,
        recovery_s=recovery_s(after, 2 * latencies_s[95] + 0.005),
    )


@contextmanager
def running_server(
    options: argparse.Namespace, home: Path, scheduler: str
) -> Iterator[tuple[int, psutil.Process]]:
    """The port and the process of a server, ready."""
    command = [sys.executable, "-m", "server_stub", "--port", "0", "--model", options.model]
    command += ["--models-dir", str(home), "--workers", str(options.workers), "--scheduler", scheduler]
    log = home / f"{scheduler}.log"
    with log.open("w") as stream:
        process = subprocess.Popen(command, stderr=stream)
    try:
        yield _port(log, process), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _port(log: Path, process: subprocess.Popen[bytes]) -> int:
    while process.poll() is None:
        for line in log.read_text().splitlines():
            if " ready on " in line:
                return int(line.split(" ready on ")[1].split()[0].rpartition(":")[2])
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start: {log.read_text()}")


def photographs(model: str, home: Path) -> list[bytes]:
    """What devices send of three photographs by default."""
    import skimage.data

    spec = resolve(model, home).spec
    payloads = []
    for name in ("chelsea", "astronaut", "coffee"):
        stream = BytesIO()
        Image.fromarray(getattr(skimage.data, name)()).save(stream, "JPEG", quality=95)
        payloads.append(open_picture(stream.getvalue(), spec).payload({})[0])
    return payloads


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    parser.add_argument("--model", default="efficientnet_lite0", help="catalogue name or path of a .tflite")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scheduler", action="append", help="several times; default: the server's, and fcfs")
    parser.add_argument("--load", type=float, default=2.0, help="times the sustainable one")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        images = photographs(options.model, home)
        for scheduler in options.scheduler or [DEFAULT_SCHEDULER, "fcfs"]:
            with running_server(options, home, scheduler) as (port, process):
                results.append(measure(scheduler, port, process, images, options))
    if options.json:
        print(json.dumps([asdict(result) for result in results]))
        return
    for result in results:
        print(_table(result))


def _table(result: Result) -> str:
    recovery = "not within the test" if result.recovery_s is None else f"{result.recovery_s:.2f} s"
    memory = f"{result.memory_first_bytes / 1e6:.1f} / {result.memory_last_bytes / 1e6:.1f} MB"
    return (
        f"{result.scheduler}: sustains {result.sustained_per_s:.0f}/s, offered {result.offered_per_s:.0f}/s\n"
        f"  statuses                 {result.statuses}, of 503 with Retry-After {result.retry_after_frac:.0%}\n"
        f"  in time: urgent          {result.urgent_frac:.1%}\n"
        f"           patient         {result.patient_frac:.1%}\n"
        f"  memory first/last 1/4    {memory}\n"
        f"  normal again after       {recovery}\n"
        f"  unloaded                 {result.unloaded_s * 1e3:.2f} ms, of it {result.outside_s * 1e3:.2f} ms "
        "outside the server's timing"
    )


if __name__ == "__main__":
    main()
