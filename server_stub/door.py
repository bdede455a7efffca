"""The listening socket: lets connections in, up to a bound, and does the TLS handshake. No HTTP.

asyncio's own server lets in whoever comes, and counts nobody before the TLS handshake is done, though a handshake
already takes a quarter of a megabyte. Here a connection counts from the moment it is accepted. When the house is
full, somebody who does nothing is shown out for the newcomer: so idle connections, however many, lock nobody out.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterable

from server_stub.connection import Connection
from server_stub.logs import logger
from server_stub.rates import client_of_address

__all__ = ["Door", "Guest", "least_needed"]

_SPARE = 8  # connections beyond the bound that are told why
_RETRY_S = 0.1
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Guest:
    """Who has been accepted; `connection` is None until it is made, which takes time if hands are to be shaken."""

    def __init__(self, client: str, accepted_s: float) -> None:
        self.client = client
        self.connection: Connection | None = None
        self.shakes_hands = False
        self.welcome: asyncio.Task[None] | None = None
        self._accepted_s = accepted_s

    @property
    def idle(self) -> bool:
        return self.shakes_hands if self.connection is None else self.connection.idle

    @property
    def idle_since_s(self) -> float:
        return self._accepted_s if self.connection is None else self.connection.idle_since_s

    def end(self) -> None:
        if self.connection is not None:
            self.connection.end()
        elif self.welcome is not None:
            self.welcome.cancel()


def least_needed(guests: Iterable[Guest]) -> Guest | None:
    """Return the guest to show out: of those who are idle, one of the client with the most connections, and of
    these the one who has been idle for the longest. None if all are busy."""
    everybody = tuple(guests)
    count = Counter(guest.client for guest in everybody)
    idle = (guest for guest in everybody if guest.idle)
    return min(idle, key=lambda guest: (-count[guest.client], guest.idle_since_s), default=None)


class Door:
    """Stands in for the servers that uvicorn closes at the end. `open` must be called on the event loop.

    The door owns the listener. `make(on_lost, full)` returns a new connection, which calls `on_lost` when it has
    ended; if there is no room, it is to say so. `tls` returns the context for the next one, or None for plain
    HTTP.
    """

    def __init__(
        self,
        listener: socket.socket,
        make: Callable[[Callable[[], object], bool], Connection],
        *,
        tls: Callable[[], ssl.SSLContext | None],
        max_connections: int,
        handshake_timeout_s: float,
    ) -> None:
        self._listener = listener
        self._make = make
        self._tls = tls
        self._max_connections = max_connections
        self._handshake_timeout_s = handshake_timeout_s
        self._guests: dict[Guest, None] = {}  # in order, as the clock of a loop may stand still for a millisecond
        self._accepting: asyncio.Task[None] | None = None
        self._closed = False

    def open(self) -> None:
        self._listener.setblocking(False)
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    def close(self) -> None:
        """Let nobody in any more. Who is at the door just now is sent away once inside: uvicorn never hears of the
        end of a connection that is given up while it is being made, and would wait for it."""
        self._closed = True
        if self._accepting is not None:
            self._accepting.cancel()

    async def wait_closed(self) -> None:
        if self._accepting is not None:
            await asyncio.wait((self._accepting,))

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.closing(self._listener):
            while True:
                try:
                    peer, address = await loop.sock_accept(self._listener)
                except OSError as error:
                    if error.errno in _NO_ROOM:
                        logger.error("no more connections: %s; raise the limit of open files", error.strerror)
                        self._show_one_out()
                    if not isinstance(error, ConnectionError):  # else the peer has gone already
                        await asyncio.sleep(_RETRY_S)
                    continue
                self._admit(peer, client_of_address(str(address[0]) if address else ""))
                await asyncio.sleep(0)  # a crowd at the door must not keep those inside waiting

    def _admit(self, peer: socket.socket, client: str) -> None:
        full = len(self._guests) >= self._max_connections and not self._show_one_out()
        if full and len(self._guests) >= self._max_connections + _SPARE:
            peer.close()
            return
        loop = asyncio.get_running_loop()
        guest = Guest(client, loop.time())
        self._guests[guest] = None
        guest.welcome = loop.create_task(self._welcome(guest, peer, full))
        guest.welcome.add_done_callback(functools.partial(self._welcomed, guest, peer))

    async def _welcome(self, guest: Guest, peer: socket.socket, full: bool) -> None:
        context = self._tls()
        guest.shakes_hands = context is not None
        _, guest.connection = await asyncio.get_running_loop().connect_accepted_socket(
            lambda: self._make(lambda: self._guests.pop(guest, None), full),
            peer,
            ssl=context,
            ssl_handshake_timeout=None if context is None else self._handshake_timeout_s,
        )
        if self._closed:
            guest.connection.shutdown()

    def _welcomed(self, guest: Guest, peer: socket.socket, welcome: asyncio.Task[None]) -> None:
        """See off whom the welcome did not make a connection of. A callback, as it may have been cancelled before
        it began."""
        error = None if welcome.cancelled() else welcome.exception()
        if error is None and not welcome.cancelled():
            return
        self._guests.pop(guest, None)
        peer.close()
        if error is not None and not isinstance(error, OSError):  # OSError: no TLS, no certificate, too slow, gone
            logger.error("a connection could not be made", exc_info=error)

    def _show_one_out(self) -> bool:
        guest = least_needed(self._guests)
        if guest is None:
            return False
        self._guests.pop(guest, None)
        guest.end()
        return True
