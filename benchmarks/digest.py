"""What `Content-Digest` costs: `python -m benchmarks.digest` prints the CPU time of making one, and of checking a
body in the pieces in which a server reads it. Processors without instructions for SHA-256, such as the Raspberry
Pi's before the fifth, take longer.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable

from benchmarks.results import Row, publish
from offload_sdk.digest import DigestCheck, format_digest, parse_digests

_SIZES = {"an answer, 300 bytes": 300, "a picture, 37 KB": 37_000, "a tensor as JSON, 4 MB": 4_000_000}
_PIECE_BYTES = 64 * 1024  # that uvicorn hands over at the most
_ROUNDS = 15
_ROUND_BYTES = 8_000_000


def cpu_us(work: Callable[[], object], repeat: int) -> float:
    """Return the median of several rounds, in microseconds a call."""
    rounds = []
    for _ in range(_ROUNDS):
        started_ns = time.thread_time_ns()
        for _ in range(repeat):
            work()
        rounds.append((time.thread_time_ns() - started_ns) / 1e3 / repeat)
    return statistics.median(rounds)


def check(body: bytes, announced: str) -> bool:
    digest = DigestCheck(parse_digests(announced))
    for start in range(0, len(body), _PIECE_BYTES):
        digest.update(body[start : start + _PIECE_BYTES])
    return digest.holds


def rows() -> list[Row]:
    found = []
    for name, size_bytes in _SIZES.items():
        body = os.urandom(size_bytes)
        announced = format_digest(body)
        repeat = max(1, min(_ROUND_BYTES // size_bytes, 2000))
        made_us = cpu_us(lambda body=body: format_digest(body), repeat)  # type: ignore[misc]
        checked_us = cpu_us(lambda body=body, told=announced: check(body, told), repeat)  # type: ignore[misc]
        found += [
            Row(name=f"digest of {name}: made", value=made_us, unit="µs"),
            Row(name=f"digest of {name}: read and checked", value=checked_us, unit="µs"),
        ]
    return found


if __name__ == "__main__":
    sys.exit(0 if publish("digest", rows()) else 1)
