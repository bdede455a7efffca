"""An open-loop HTTP client: requests leave when they are due, however long the answers take. Judges nothing."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from offload_sdk.wire import (
    ANALYZE_PATH,
    SERVER_TIMING_HEADER,
    RequestContext,
    encode_image,
    parse_server_timing,
    request_headers,
)

__all__ = ["Exchange", "Shot", "closed_loop", "open_loop"]

_HOST = "127.0.0.1"
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One request: when it leaves, in seconds after the beginning, what it carries, and a name for its kind."""

    at_s: float
    image: bytes
    context: RequestContext
    kind: str = ""

    def encoded(self) -> bytes:
        content_type, body = encode_image(self.image, "image/jpeg", boundary="0123456789abcdef" * 2)
        head = [
            f"POST {ANALYZE_PATH} HTTP/1.1",
            f"Host: {_HOST}",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in request_headers(self.context).items()),
        ]
        return "\r\n".join([*head, "\r\n"]).encode("latin-1") + body


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What came of a shot. `status` 0: no answer. `server_s` is the sum of `Server-Timing`."""

    shot: Shot
    status: int
    sent_s: float
    latency_s: float
    headers: dict[str, str]

    @property
    def server_s(self) -> float:
        return sum(parse_server_timing(self.headers.get(SERVER_TIMING_HEADER.lower())).values())

    @property
    def in_time(self) -> bool:
        """Whether it was answered well, and by its deadline if it has one."""
        deadline_s = self.shot.context.deadline_s
        return self.status == 200 and (deadline_s is None or self.latency_s <= deadline_s)


class _Connections:
    """Kept connections to one port, as many as are needed at a time."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def send(self, shot: Shot, begun_s: float) -> Exchange:
        sent_s = time.perf_counter()
        status, headers = 0, dict[str, str]()
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            status, headers = await asyncio.wait_for(self._exchange(shot.encoded()), _TIMEOUT_S)
        latency_s = time.perf_counter() - sent_s
        return Exchange(shot=shot, status=status, sent_s=sent_s - begun_s, latency_s=latency_s, headers=headers)

    async def _exchange(self, request: bytes) -> tuple[int, dict[str, str]]:
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(_HOST, self._port)
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *lines = head.split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            await reader.readexactly(int(headers["content-length"]))
        except BaseException:
            writer.close()
            raise
        if headers.get("connection") == "close":
            writer.close()
        else:
            self._idle.append((reader, writer))
        return int(status_line.split()[1]), headers

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


async def open_loop(port: int, shots: Iterable[Shot]) -> list[Exchange]:
    """Send each shot at its time, and return all exchanges in the order of the shots."""
    connections = _Connections(port)
    begun_s = time.perf_counter()
    tasks = []
    for shot in shots:
        await asyncio.sleep(begun_s + shot.at_s - time.perf_counter())
        tasks.append(asyncio.ensure_future(connections.send(shot, begun_s)))
    exchanges = await asyncio.gather(*tasks)
    connections.close()
    return exchanges


async def closed_loop(port: int, shots: Sequence[Shot], connections: int) -> list[Exchange]:
    """Send the shots one after the other over so many connections, each when the answer before it is there."""
    pool = _Connections(port)
    begun_s = time.perf_counter()
    left = iter(shots)

    async def one() -> list[Exchange]:
        return [await pool.send(shot, begun_s) for shot in left]

    exchanges = await asyncio.gather(*(one() for _ in range(connections)))
    pool.close()
    return [exchange for each in exchanges for exchange in each]
