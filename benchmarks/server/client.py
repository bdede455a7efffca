"""Sends prepared HTTP/1.1 requests and times the answers, with callers that wait and callers that do not.

No figures are made of the times here, and no processes started.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

__all__ = ["Load", "ask", "closed_loop", "open_loop"]

_HOST = "127.0.0.1"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close\r\n", re.IGNORECASE)
_PATIENCE_S = 60.0


@dataclass(slots=True, kw_only=True)
class Load:
    """What came of some load: seconds of each request that got a 200, how many did not, and how long it took.

    `late_s` says how long after its moment each request of an open loop was sent: the client's own share.
    """

    times_s: list[float] = field(default_factory=list)
    refused: int = 0
    wall_s: float = 0.0
    late_s: list[float] = field(default_factory=list)

    @property
    def per_s(self) -> float:
        return len(self.times_s) / self.wall_s


class _Connection:
    """One kept connection; opened when first used, and again after the server has closed it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(_HOST, self._port)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is None:
            raise RuntimeError(f"an answer without Content-Length: {head!r}")
        body = await reader.readexactly(int(length[1]))
        if _CLOSES.search(head) or head.startswith(b"HTTP/1.0"):
            self.close()
        return int(head[9:12]), body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def ask(port: int, request: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to one request on a connection of its own. Raises: OSError, EOFError."""

    async def exchange() -> tuple[int, bytes]:
        connection = _Connection(port)
        try:
            return await asyncio.wait_for(connection.ask(request), _PATIENCE_S)
        finally:
            connection.close()

    return asyncio.run(exchange())


async def closed_loop(port: int, requests: Sequence[bytes], connections: int, duration_s: float) -> Load:
    """Each connection sends its next request when it has its answer, until `duration_s` is over.

    This finds the rate at which a server is busy all the time. It says nothing of latency under load, as these
    callers wait for a slow answer instead of coming anyway.
    """
    load = Load()
    started_s = time.perf_counter()

    async def caller(number: int) -> None:
        connection = _Connection(port)
        try:
            while (sent_s := time.perf_counter()) < started_s + duration_s:
                status, _ = await connection.ask(requests[number % len(requests)])
                if status == 200:
                    load.times_s.append(time.perf_counter() - sent_s)
                else:
                    load.refused += 1
                number += 1
        finally:
            connection.close()

    await asyncio.wait_for(
        asyncio.gather(*(caller(number) for number in range(connections))), duration_s + _PATIENCE_S
    )
    load.wall_s = time.perf_counter() - started_s
    return load


async def open_loop(port: int, requests: Sequence[bytes], arrivals_s: Sequence[float]) -> Load:
    """A request at each of the moments, whether or not earlier ones have been answered.

    Times count from the moment at which the request should have been sent: a stall of the server, or of this
    client, is felt by all whose moment falls into it (no coordinated omission).
    """
    load = Load()
    idle: list[_Connection] = []
    every: list[_Connection] = []
    started_s = time.perf_counter()

    async def caller(number: int, due_s: float) -> None:
        load.late_s.append(time.perf_counter() - due_s)
        if idle:
            connection = idle.pop()
        else:
            connection = _Connection(port)
            every.append(connection)
        status, _ = await connection.ask(requests[number % len(requests)])
        if status == 200:
            load.times_s.append(time.perf_counter() - due_s)
        else:
            load.refused += 1
        idle.append(connection)

    callers = []
    for number, at_s in enumerate(arrivals_s):
        due_s = started_s + at_s
        await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
        callers.append(asyncio.create_task(caller(number, due_s)))
    try:
        await asyncio.wait_for(asyncio.gather(*callers), _PATIENCE_S)
    finally:
        for connection in every:
            connection.close()
    load.wall_s = time.perf_counter() - started_s
    return load
