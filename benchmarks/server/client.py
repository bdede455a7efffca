"""Sends prepared HTTP/1.1 requests and times the answers, with callers that wait and callers that do not.

No figures are made of the times here, and no processes started.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Answer", "Load", "ask", "closed_loop", "open_loop"]

_HOST = "127.0.0.1"
_PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one request. Its `status` is 0 if there was no answer; names of `headers` are in lower case.

    `due_s` is the moment at which it should have been sent, in seconds since the load began, and `late_s` how much
    later it was: the client's own share. `latency_s` counts from the due moment, so that a stall of the server, or
    of this client, is felt by all whose moment falls into it (no coordinated omission).
    """

    status: int
    due_s: float
    latency_s: float
    late_s: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What came of some load, and how long it took until the last answer."""

    answers: Sequence[Answer]
    wall_s: float

    @property
    def times_s(self) -> list[float]:
        """Seconds of each request that got a 200."""
        return [answer.latency_s for answer in self.answers if answer.status == 200]

    @property
    def refused(self) -> int:
        """How many did not."""
        return sum(answer.status != 200 for answer in self.answers)

    @property
    def per_s(self) -> float:
        return (len(self.answers) - self.refused) / self.wall_s


class _Connection:
    """One kept connection; opened when first used, and again after it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body of the answer. Raises: OSError (also if none comes in time), EOFError."""
        try:
            return await asyncio.wait_for(self._exchange(request), _PATIENCE_S)
        except BaseException as error:
            self.close()
            if isinstance(error, asyncio.TimeoutError):  # no OSError before Python 3.11
                raise TimeoutError(f"no answer in {_PATIENCE_S:g} s") from error
            raise

    async def _exchange(self, request: bytes) -> tuple[int, Mapping[str, str], bytes]:
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection(_HOST, self._port)
        reader, writer = self._streams
        writer.write(request)
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "content-length" not in headers:
            raise RuntimeError(f"an answer without Content-Length: {status} {headers}")
        body = await reader.readexactly(int(headers["content-length"]))
        if headers.get("connection") == "close" or status.startswith("HTTP/1.0"):
            self.close()
        return int(status.split()[1]), headers, body

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def ask(port: int, request: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to one request on a connection of its own. Raises: OSError, EOFError."""

    async def exchange() -> tuple[int, bytes]:
        connection = _Connection(port)
        try:
            status, _, body = await connection.ask(request)
        finally:
            connection.close()
        return status, body

    return asyncio.run(exchange())


def closed_loop(port: int, requests: Sequence[bytes], connections: int, duration_s: float) -> Load:
    """Each connection sends its next request when it has its answer, until `duration_s` is over.

    This finds the rate at which a server is busy all the time. It says nothing of latency under load, as these
    callers wait for a slow answer instead of coming anyway. Raises as `ask` does: a server must answer here.
    """
    answers: list[Answer] = []
    started_s = time.perf_counter()

    async def caller(number: int) -> None:
        connection = _Connection(port)
        try:
            while (sent_s := time.perf_counter()) < started_s + duration_s:
                status, headers, _ = await connection.ask(requests[number % len(requests)])
                latency_s = time.perf_counter() - sent_s
                answers.append(
                    Answer(status=status, due_s=sent_s - started_s, latency_s=latency_s, headers=headers)
                )
                number += 1
        finally:
            connection.close()

    async def callers() -> None:
        await asyncio.gather(*(caller(number) for number in range(connections)))

    asyncio.run(callers())
    return Load(answers=answers, wall_s=time.perf_counter() - started_s)


def open_loop(port: int, requests: Sequence[bytes], arrivals_s: Sequence[float]) -> Load:
    """A request at each of the moments, in their order and over again, whether or not earlier ones have been
    answered. The answers have the order of the moments."""
    idle: list[_Connection] = []

    async def caller(request: bytes, at_s: float) -> Answer:
        due_s = started_s + at_s
        late_s = time.perf_counter() - due_s
        connection = idle.pop() if idle else _Connection(port)
        status: int = 0
        headers: Mapping[str, str] = {}
        with contextlib.suppress(OSError, EOFError):
            status, headers, _ = await connection.ask(request)
        latency_s = time.perf_counter() - due_s
        idle.append(connection)
        return Answer(status=status, due_s=at_s, latency_s=latency_s, late_s=late_s, headers=headers)

    async def callers() -> Sequence[Answer]:
        tasks = []
        for number, at_s in enumerate(arrivals_s):
            await asyncio.sleep(max(0.0, started_s + at_s - time.perf_counter()))
            tasks.append(asyncio.create_task(caller(requests[number % len(requests)], at_s)))
        try:
            return await asyncio.gather(*tasks)
        finally:
            for connection in idle:
                connection.close()

    started_s = time.perf_counter()
    answers = asyncio.run(callers())
    return Load(answers=answers, wall_s=time.perf_counter() - started_s)
