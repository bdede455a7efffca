"""The emulated link inside its event loop: the listening socket, the connections, time and the switches.

Everything here runs in the loop's thread. Threads, and what users call, are in `_emulator`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import math
import random
import socket
from typing import Any

from offload_sdk.testing._connection import Connection, Lane
from offload_sdk.testing._shared_link import SharedLink
from offload_sdk.testing._sockets import BACKLOG, bound_socket, reset_on_close
from offload_sdk.testing._timers import Timers
from offload_sdk.testing._trace import LinkSample, LinkTrace
from offload_sdk.typing import Clock

_PACKET_BYTES = 1460
_LEAST_RTO_S = 0.2  # Linux: an acknowledgement is missed after the round trip and at least 200 ms
_RECEIVE_BUFFER_BYTES = 64 * 1024

Resolved = tuple[socket.AddressFamily, tuple[Any, ...]]
"""A family and an address of it, as sockets want them."""


def resolve(host: str, port: int) -> Resolved:
    """The address of a server, IPv4 preferred. Blocks; `OSError` if there is none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)
    return found[0][0], found[0][4]


class Proxy:
    """A TCP proxy to `upstream` with an emulated link in between.

    Attributes:
        timers: the clock of all times here, and what waits for it.
        uplink, downlink: what the connections share.
        black_hole: whether bytes vanish.
        bytes_up, bytes_down: delivered so far, to the server and to the clients.
        accepted: connections so far.
    """

    def __init__(
        self,
        upstream: Resolved,
        trace: LinkTrace,
        *,
        downlink_ratio: float,
        clock: Clock,
        random_generator: random.Random,
    ) -> None:
        self._upstream = upstream
        self.timers = Timers(clock)
        self._random = random_generator
        self._loop = asyncio.get_running_loop()
        self._listener: socket.socket | None = None
        self._opening: set[asyncio.Task[None]] = set()
        self._connections: set[Connection] = set()
        self._trace = trace
        self._origin_s = clock()
        self._fixed_mbps: float | None = None
        self._fixed_rtt_ms: float | None = None
        self.uplink: SharedLink[Lane] = SharedLink(trace, self._origin_s)
        self.downlink: SharedLink[Lane] = SharedLink(trace, self._origin_s, downlink_ratio)
        self._departures: dict[SharedLink[Lane], asyncio.TimerHandle] = {}
        self.black_hole = False
        self.bytes_up = self.bytes_down = self.accepted = 0

    # The listening socket

    def bind(self, host: str, port: int) -> tuple[str, int]:
        """Take a port and refuse connections until `listen`; gives the address. `OSError` if it is taken."""
        # A small receive buffer, or the kernel takes in whole uploads at once.
        sock = bound_socket(host, port, receive_buffer_bytes=_RECEIVE_BUFFER_BYTES)
        self._listener = sock
        address: tuple[str, int] = sock.getsockname()
        return address

    def listen(self) -> None:
        assert self._listener is not None
        self._listener.listen(BACKLOG)
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def refuse(self, on: bool) -> None:
        """A socket that is bound and does not listen keeps the port, and the kernel refuses connections."""
        assert self._listener is not None
        refusing = self._loop.remove_reader(self._listener.fileno())
        if on and refusing:
            host, port = self._listener.getsockname()
            self._listener.close()
            self.bind(host, port)
        elif not on:
            self.listen()

    def _accept(self) -> None:
        assert self._listener is not None
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:  # none left, or it has gone already
                return
            sock.setblocking(False)
            self.accepted += 1
            task = self._loop.create_task(self._open(sock))
            self._opening.add(task)
            task.add_done_callback(functools.partial(self._opened, sock))

    def _opened(self, client: socket.socket, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        if task.cancelled():  # before it had begun
            reset_on_close(client)
            client.close()

    async def _open(self, client: socket.socket) -> None:
        """Connect to the server, and let the first byte pass one round trip after the connection came in.

        The kernel has already told the client that it is connected: a proxy cannot delay that. What the
        handshake takes therefore shows up in the client's first request.
        """
        opens_s = self.timers.clock() + self.rtt_s(self.timers.clock())
        connection = Connection(self)
        self._connections.add(connection)
        server: socket.socket | None = None
        try:
            if self.black_hole:  # its first packet is lost
                connection.vanish()
            else:
                with contextlib.suppress(OSError):
                    server = await self._connect()
            await self._loop.connect_accepted_socket(lambda: connection.client, client)
            if server is not None:
                await self._loop.create_connection(lambda: connection.server, sock=server)
        except (OSError, asyncio.CancelledError):
            connection.abort()
            for sock in (client, server):
                if sock is not None:
                    reset_on_close(sock)
                    sock.close()
            return
        if connection.done:  # it was broken while its second side was being set up
            connection.abort()
        else:
            self._open_at(opens_s, connection, refused=server is None)

    def _open_at(self, opens_s: float, connection: Connection, *, refused: bool) -> None:
        if connection.done or connection.vanished:
            return
        if opens_s > self.timers.due_by_s():
            self.timers.call_when(
                opens_s, lambda: self._open_at(opens_s, connection, refused=refused), on_time=True
            )
        elif refused:
            connection.abort()
        else:
            connection.start(opens_s)

    async def _connect(self) -> socket.socket:
        """A connection to the server. `OSError` if there is none."""
        family, address = self._upstream
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        sock.setblocking(False)
        try:
            await self._loop.sock_connect(sock, address)
        except BaseException:
            sock.close()
            raise
        return sock

    # Time

    def rtt_s(self, now_s: float) -> float:
        if self._fixed_rtt_ms is not None:
            return self._fixed_rtt_ms / 1000.0
        return self._trace.at(now_s - self._origin_s).rtt_s

    def delay_s(self, left_s: float, size_bytes: int) -> float:
        """From leaving the link to arriving: half a round trip, and a retransmission if a packet was lost."""
        rtt_s = self.rtt_s(left_s)
        loss = self._trace.at(left_s - self._origin_s).loss
        if loss and size_bytes:
            packets = math.ceil(size_bytes / _PACKET_BYTES)
            if self._random.random() < 1.0 - (1.0 - loss) ** packets:
                return 1.5 * rtt_s + _LEAST_RTO_S
        return 0.5 * rtt_s

    # The shared links

    def offer(self, lane: Lane, data: bytes, arrived_s: float) -> None:
        lane.link.offer(lane, data, arrived_s)
        self._advance(lane.link)

    def forget(self, lane: Lane) -> None:
        lane.link.forget(lane, self.timers.clock())
        self._advance(lane.link)

    def _advance(self, link: SharedLink[Lane]) -> None:
        for lane, data, left_s in link.advance(self.timers.clock()):
            lane.departed(data, left_s)
        timer = self._departures.pop(link, None)
        if timer is not None:
            timer.cancel()
        if math.isfinite(link.next_s):
            self._departures[link] = self.timers.call_when(link.next_s, lambda: self._advance(link))

    def _retune(self) -> None:
        trace = self._trace
        if self._fixed_mbps is not None:
            trace = LinkTrace.constant(self._fixed_mbps, 0.0)
        for link in (self.uplink, self.downlink):
            self._advance(link)
            link.retune(trace, self._origin_s, self.timers.clock())
            self._advance(link)

    # What the switches do

    def set_trace(self, trace: LinkTrace) -> None:
        self._trace, self._origin_s = trace, self.timers.clock()
        self._retune()

    def override(self, uplink_mbps: float | None, rtt_ms: float | None) -> None:
        self._fixed_mbps, self._fixed_rtt_ms = uplink_mbps, rtt_ms
        self._retune()

    def sample(self) -> LinkSample:
        """What is in force now; `t_s` is the time since the trace began."""
        t_s = self.timers.clock() - self._origin_s
        traced = self._trace.at(t_s)
        return LinkSample(
            t_s=t_s,
            uplink_mbps=traced.uplink_mbps if self._fixed_mbps is None else self._fixed_mbps,
            rtt_ms=traced.rtt_ms if self._fixed_rtt_ms is None else self._fixed_rtt_ms,
            loss=traced.loss,
        )

    def set_black_hole(self, on: bool) -> None:
        self.black_hole = on
        for connection in list(self._connections):
            if on:
                connection.enter_black_hole()
            else:
                connection.leave_black_hole()

    def reset(self) -> None:
        for task in list(self._opening):
            task.cancel()
        for connection in list(self._connections):
            connection.abort()

    def reset_later(self, connection: Connection) -> None:
        """Half a round trip from now; if a black hole has come by then, when that ends."""
        due_s = self.timers.clock() + 0.5 * self.rtt_s(self.timers.clock())

        def arrive() -> None:
            if connection.done or connection.vanished:
                return
            if due_s <= self.timers.clock():
                connection.abort()
            else:
                self.timers.call_when(due_s, arrive)

        arrive()

    def discard(self, connection: Connection) -> None:
        self._connections.discard(connection)

    def count(self, *, up: bool, size_bytes: int) -> None:
        if up:
            self.bytes_up += size_bytes
        else:
            self.bytes_down += size_bytes

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    async def close(self) -> None:
        """Take everything down. Afterwards nothing of this is left in the loop."""
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
        opening = list(self._opening)
        self.reset()
        await asyncio.gather(*opening, return_exceptions=True)
        for timer in self._departures.values():
            timer.cancel()
        await asyncio.sleep(0)  # the transports close their sockets in a callback of their own
        await asyncio.sleep(0)
