"""One proxied connection: two sockets, and the two directions between them.

Bytes are read, queued on the shared link, delayed by the propagation time and written. What the rate and the
delay are, and when connections open, is decided in `_proxy`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from typing import TYPE_CHECKING

from offload_sdk.testing._shared_link import SharedLink
from offload_sdk.testing._sockets import reset_on_close

if TYPE_CHECKING:
    from offload_sdk.testing._proxy import Proxy

_READ_BYTES = 16 * 1024
_WINDOW_BYTES = 64 * 1024  # 10 ms at 50 Mbit/s: enough that the link never waits for a late read


class End(asyncio.BufferedProtocol):
    """One of the two sockets. Reads in small pieces, so that little is hidden from the link in buffers here."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._buffer = bytearray(_READ_BYTES)
        self._paused = False
        self.transport: asyncio.Transport | None = None
        self.outgoing: Lane  # what this end sends; set by the connection
        self.incoming: Lane

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.set_write_buffer_limits(high=_WINDOW_BYTES)
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.outgoing.take(bytes(self._buffer[:nbytes]))

    def eof_received(self) -> bool:
        self.outgoing.take(b"")
        return True  # the other direction stays open

    def pause_writing(self) -> None:
        self.incoming.blocked = True

    def resume_writing(self) -> None:
        self.incoming.blocked = False
        self.incoming.regulate()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._connection.lost_end()

    def pause_reading(self, pause: bool) -> None:
        if self.transport is None or self.transport.is_closing() or pause == self._paused:
            return
        self._paused = pause
        if pause:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def abort(self) -> None:
        """Close with RST, at once."""
        if self.transport is not None:
            reset_on_close(self.transport.get_extra_info("socket"))
            self.transport.abort()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


class Lane:
    """One direction of a connection."""

    def __init__(self, proxy: Proxy, connection: Connection, source: End, sink: End, *, up: bool) -> None:
        self._proxy = proxy
        self._connection = connection
        self._source = source
        self._sink = sink
        self._up = up
        self._flying: deque[tuple[float, bytes]] = deque()
        self._last_due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._early: list[bytes] = []
        self._vanished_bytes = 0
        self.blocked = False  # the sink does not take more
        self.ended = False  # the end of the stream has been delivered
        source.outgoing = self
        sink.incoming = self

    @property
    def link(self) -> SharedLink[Lane]:
        return self._proxy.uplink if self._up else self._proxy.downlink

    def take(self, data: bytes) -> None:
        """Data from the source; empty at the end of the stream."""
        if self._proxy.black_hole:
            self._connection.vanish()
        if self._connection.vanished:
            self._vanished_bytes += len(data)
            if not data:
                self._connection.close_unseen()
        elif self._connection.open:
            self._proxy.offer(self, data, self._proxy.timers.seen_s())
        else:
            self._early.append(data)
        self.regulate()

    def start(self, opened_s: float) -> None:
        """The connection stands since `opened_s`: let what has been read already pass."""
        early, self._early = self._early, []
        for data in early:
            self._proxy.offer(self, data, opened_s)

    def departed(self, data: bytes, left_s: float) -> None:
        """The last byte of `data` has left the shared link; it arrives one propagation delay later."""
        self._last_due_s = max(self._last_due_s, left_s + self._proxy.delay_s(left_s, len(data)))
        self._flying.append((self._last_due_s, data))
        if self._timer is None:
            self._arrive()
        self.regulate()

    def regulate(self) -> None:
        """Read from the source only while there is room, as a sender's window would have it."""
        held_bytes = self.link.queued_bytes(self) + sum(map(len, self._early))
        if self._proxy.black_hole:  # nothing is acknowledged, so a sender gets no further than its window
            held_bytes += self._vanished_bytes
        self._source.pause_reading(self.blocked or held_bytes >= _WINDOW_BYTES)

    def busy(self) -> bool:
        return bool(self._early or self._flying) or self.link.holds(self)

    def drop(self) -> None:
        """Forget all that is under way."""
        self._proxy.forget(self)
        self._early.clear()
        self._flying.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arrive(self) -> None:
        self._timer = None
        due_by_s = self._proxy.timers.due_by_s()
        while self._flying and self._flying[0][0] <= due_by_s:
            self._deliver(self._flying.popleft()[1])
        if self._flying:
            self._timer = self._proxy.timers.call_when(self._flying[0][0], self._arrive, on_time=True)

    def _deliver(self, data: bytes) -> None:
        transport = self._sink.transport
        if transport is None or transport.is_closing():
            return
        if data:
            self._proxy.count(up=self._up, size_bytes=len(data))
            transport.write(data)
        else:
            self.ended = True
            with contextlib.suppress(OSError):  # it may have been reset in the meantime
                transport.write_eof()
            self._connection.ended_lane()


class Connection:
    """Two ends and the two lanes between them.

    Attributes:
        open: the handshake is over.
        done: it is closed.
        vanished: a black hole has swallowed some of its bytes, so that it can never go on.
    """

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self.client = End(self)
        self.server = End(self)
        self._up = Lane(proxy, self, self.client, self.server, up=True)
        self._down = Lane(proxy, self, self.server, self.client, up=False)
        self._closed_unseen = False
        self.open = False
        self.done = False
        self.vanished = False

    def start(self, opened_s: float) -> None:
        """The handshake is over: bytes may move."""
        self.open = True
        self._up.start(opened_s)
        self._down.start(opened_s)

    def enter_black_hole(self) -> None:
        """What is under way is lost, a handshake too; a connection with nothing under way may survive."""
        if not self.open or self._up.busy() or self._down.busy():
            self.vanish()

    def vanish(self) -> None:
        """Lose what is under way and all that will be sent. The connection hangs until a side gives up."""
        if not self.vanished:
            self.vanished = True
            self._up.drop()
            self._down.drop()

    def leave_black_hole(self) -> None:
        """Now a side that was closed inside is noticed by the other."""
        if self._closed_unseen:
            self.abort()
        else:
            self._up.regulate()
            self._down.regulate()

    def close_unseen(self) -> None:
        """A side has closed a connection that hangs. The other is told once the black hole is over."""
        self._closed_unseen = True
        if not self._proxy.black_hole:
            self.abort()

    def abort(self) -> None:
        """RST to both sides, at once."""
        self._finish()
        self.client.abort()
        self.server.abort()

    def ended_lane(self) -> None:
        """One direction has delivered its end; after both, the connection is done."""
        if self._up.ended and self._down.ended:
            self._finish()
            self.client.close()
            self.server.close()

    def lost_end(self) -> None:
        """A socket is gone. If it was reset, the other side learns of it half a round trip later."""
        if self.done:
            return
        if self._proxy.black_hole:
            self.vanish()
        if self.vanished:
            self.close_unseen()
        else:
            self._proxy.reset_later(self)

    def _finish(self) -> None:
        self.done = True
        self._up.drop()
        self._down.drop()
        self._proxy.discard(self)
