"""Twice the sustainable load for some seconds, against a server process. `benchmarks.overload` takes a minute."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from benchmarks.open_loop import open_loop
from benchmarks.overload import Memory, arrivals, in_time_frac, plain, recovery_s

SCRIPT = Path(__file__).parent / "steered_server.py"
SERVICE_S = 0.04
WORKERS = 2
IMAGE = str(SERVICE_S).encode()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[int, psutil.Process]]:
    log = tmp_path / "log"
    settings = json.dumps({"port": 0, "workers": WORKERS})
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, str(SCRIPT), settings, "fine"], stdout=subprocess.DEVNULL, stderr=stream
        )
    try:
        while " ready on " not in log.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        yield int(log.read_text().split(" (model")[0].rpartition(":")[2]), psutil.Process(process.pid)
    finally:
        process.terminate()
        assert process.wait(20) == 0


def test_twice_the_load_is_200_503_504_with_flat_memory_urgent_first_and_soon_over(server):
    port, process = server
    sustainable_per_s = WORKERS / SERVICE_S
    shots = arrivals(
        [IMAGE],
        per_s=2 * sustainable_per_s,
        seconds=5.0,
        urgent_s=25 * SERVICE_S,
        rng=random.Random(1),
    )
    asyncio.run(open_loop(port, plain([IMAGE], 20, sustainable_per_s)))
    with Memory(process) as memory:
        exchanges = asyncio.run(open_loop(port, shots))
    statuses = {exchange.status for exchange in exchanges}
    assert statuses <= {200, 503, 504}
    assert statuses >= {200, 503}
    assert all(int(one.headers["retry-after"]) >= 1 for one in exchanges if one.status == 503)
    first_bytes, last_bytes = memory.quarters()
    assert last_bytes < first_bytes + 20 * 2**20
    assert in_time_frac(exchanges, "urgent") > 1.5 * in_time_frac(exchanges, "patient")
    after = asyncio.run(open_loop(port, plain([IMAGE], 80, sustainable_per_s / 2)))
    assert recovery_s(after, 10.0) is not None
