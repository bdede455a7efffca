"""What the server costs beside preprocess and invoke: `python -m benchmarks.server [--json]`.

A server runs as a process of its own with `--workers` interpreters; this process sends it what a device sends by
default (the 256-pixel JPEG of three photographs) over as many kept connections, and reads the CPU seconds that
the server's process has used from the kernel. The baseline is the same pictures through `open_picture`,
`tensor` and `classify_tensor` in this process with as many threads and interpreters. The two alternate over
several rounds, so that a busy machine disturbs both; each figure is the median of the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path

import psutil
from PIL import Image

from offload_sdk.model import Classifier, ModelFile, open_picture, resolve
from offload_sdk.wire import ANALYZE_PATH, encode_image

PHOTOGRAPHS = ("chelsea", "astronaut", "coffee")
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of `connections` requests at a time. CPU in seconds per request, times in seconds."""

    connections: int
    requests_per_s: float
    cpu_s: float
    p50_s: float
    p99_s: float
    baseline_cpu_s: float
    baseline_per_s: float

    @property
    def cpu_ratio(self) -> float:
        return self.cpu_s / self.baseline_cpu_s


def photographs(model: ModelFile) -> list[bytes]:
    import skimage.data

    payloads = []
    for name in PHOTOGRAPHS:
        stream = BytesIO()
        Image.fromarray(getattr(skimage.data, name)()).save(stream, "JPEG", quality=95)
        payloads.append(open_picture(stream.getvalue(), model.spec).payload({})[0])
    return payloads


def in_process(classifiers: list[Classifier], payloads: list[bytes], count: int) -> tuple[float, float]:
    """CPU seconds per picture, and pictures per second, of `count` pictures on one thread per classifier."""

    def work(classifier: Classifier) -> None:
        for payload in itertools.islice(itertools.cycle(payloads), count // len(classifiers)):
            timings: dict[str, float] = {}
            tensor = open_picture(payload, classifier.spec).tensor(timings)
            classifier.classify_tensor(tensor, 3, timings)

    threads = [threading.Thread(target=work, args=(classifier,)) for classifier in classifiers]
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = count // len(classifiers) * len(classifiers)
    return (time.process_time() - cpu_s) / done, done / (time.perf_counter() - wall_s)


async def load(port: int, payloads: list[bytes], connections: int, count: int) -> list[float]:
    """Seconds of each of `count` requests, each connection sending its next one when it has its answer."""
    numbers = iter(range(count))
    requests = []
    for payload in payloads:
        content_type, body = encode_image(payload, "image/jpeg", boundary="0123456789abcdef" * 2)
        head = (
            f"POST {ANALYZE_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        requests.append(head.encode("ascii") + body)
    times_s: list[float] = []

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            started_s = time.perf_counter()
            writer.write(requests[number % len(requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise RuntimeError(f"the server answered {head.splitlines()[0].decode()}")
            length = _LENGTH.search(head)
            assert length is not None
            await reader.readexactly(int(length[1]))
            times_s.append(time.perf_counter() - started_s)
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return times_s


@contextmanager
def server(model: str, models_dir: Path, workers: int) -> Iterator[tuple[int, psutil.Process]]:
    """The port and the process of a server, ready."""
    code = (
        "from pathlib import Path; from server_stub.run import serve; "
        "from server_stub.settings import ServerSettings; "
        f"serve(ServerSettings(port=0, model={model!r}, models_dir=Path({str(models_dir)!r}), workers={workers}))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r":(\d+) ", line)
        if found is None:
            raise RuntimeError(f"the server did not start: {line}")
        yield int(found[1]), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


def measure(
    port: int,
    process: psutil.Process,
    classifiers: list[Classifier],
    payloads: list[bytes],
    connections: int,
    count: int,
) -> Round:
    baseline_cpu_s, baseline_per_s = in_process(classifiers[:connections], payloads, count)
    before = process.cpu_times()
    started_s = time.perf_counter()
    times_s = sorted(asyncio.run(load(port, payloads, connections, count)))
    wall_s = time.perf_counter() - started_s
    after = process.cpu_times()
    return Round(
        connections=connections,
        requests_per_s=count / wall_s,
        cpu_s=(after.user + after.system - before.user - before.system) / count,
        p50_s=times_s[count // 2],
        p99_s=times_s[min(count - 1, math.ceil(count * 0.99))],
        baseline_cpu_s=baseline_cpu_s,
        baseline_per_s=baseline_per_s,
    )


def median(rounds: list[Round]) -> dict[str, float]:
    names = asdict(rounds[0])
    row = {name: statistics.median(getattr(round_, name) for round_ in rounds) for name in names}
    return {**row, "cpu_ratio": statistics.median(round_.cpu_ratio for round_ in rounds)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    parser.add_argument("--model", default="efficientnet_lite0", help="catalogue name or path of a .tflite")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--requests", type=int, default=200, help="in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model = resolve(options.model, Path(folder))
        payloads = photographs(model)
        classifiers = [Classifier(model, threads=1) for _ in range(options.workers)]
        with server(options.model, Path(folder), options.workers) as (port, process):
            for connections in sorted({1, options.workers}):
                measure(port, process, classifiers, payloads, connections, 20)  # warms both
                rows.append(
                    median(
                        [
                            measure(port, process, classifiers, payloads, connections, options.requests)
                            for _ in range(options.rounds)
                        ]
                    )
                )
    payload_bytes = statistics.mean(map(len, payloads))
    if options.json:
        print(json.dumps({"model": model.name, "payload_bytes": payload_bytes, "rows": rows}))
        return
    print(
        f"{model.name}, {options.workers} workers, payload {payload_bytes / 1e3:.1f} kB, {options.rounds} rounds"
    )
    print("connections  requests/s  in-process/s  CPU ms/request  in-process ms  CPU ratio   p50 ms   p99 ms")
    for row in rows:
        print(
            f"{row['connections']:11.0f} {row['requests_per_s']:11.1f} {row['baseline_per_s']:13.1f} "
            f"{row['cpu_s'] * 1e3:15.2f} {row['baseline_cpu_s'] * 1e3:14.2f} {row['cpu_ratio']:10.3f} "
            f"{row['p50_s'] * 1e3:8.2f} {row['p99_s'] * 1e3:8.2f}"
        )


if __name__ == "__main__":
    main()
