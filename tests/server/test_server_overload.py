"""Twice the sustainable load for some seconds, against a server process. `benchmarks.overload` takes minutes."""

from __future__ import annotations

import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from server_processes import SCRIPT

from benchmarks.overload.bout import face
from benchmarks.overload.crowd import crowd, probes
from benchmarks.server.stack import Stack, running
from benchmarks.server.stacks import form

SERVICE_S = 0.04
WORKERS = 2
LOAD_S = 5.0
IMAGE = str(SERVICE_S).encode()


def test_twice_the_load_is_200_503_504_with_flat_memory_urgent_first_and_soon_over(tmp_path: Path) -> None:
    settings = f'{{"port": {{port}}, "workers": {WORKERS}}}'
    stack = Stack(
        name="steered",
        model="fine",
        command=(sys.executable, str(SCRIPT), settings, "fine"),
        requests=(form(IMAGE),),
        top_index=lambda body: 0,
    )
    sustainable_per_s = WORKERS / SERVICE_S
    callers = crowd(
        per_s=2 * sustainable_per_s,
        load_s=LOAD_S,
        urgent_s=25 * SERVICE_S,
        pictures=1,
        rng=random.Random(1),
    )
    after = probes(per_s=sustainable_per_s / 2, begin_s=LOAD_S, duration_s=3.2, pictures=1)
    with running(stack, tmp_path / "log") as server, ThreadPoolExecutor(1) as loader:
        bout = face(server, callers, after, [IMAGE], 10.0, loader)
    assert set(bout.statuses) <= {200, 503, 504}
    assert set(bout.statuses) >= {200, 503}
    assert sum(bout.statuses.values()) == len(callers)
    assert bout.retry_after_frac == 1.0
    assert bout.last_bytes < bout.first_bytes + 20 * 2**20
    assert bout.urgent_frac > 1.5 * bout.patient_frac
    assert bout.recovery_s is not None
