"""A plain byte server and the check that nothing is left running, for the tests of the test kit."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

PATIENCE_S = 10.0  # how long a test waits for what comes within milliseconds


class Peer:
    """The server's side of one connection: receives all it can in a thread, and sends what the test says."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.received = bytearray()
        self.ended: str | None = None  # "eof" or "reset"
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    def _receive(self) -> None:
        try:
            while data := self._connection.recv(65536):
                self.received += data
            self.ended = "eof"
        except OSError:
            self.ended = "reset"

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def send_some(self, data: bytes) -> None:
        """As much as fits; blocks for a moment at most."""
        self._connection.settimeout(0.1)
        with contextlib.suppress(TimeoutError):
            self._connection.sendall(data)
        self._connection.settimeout(None)

    def end_sending(self) -> None:
        self._connection.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._connection.close()


class ByteServer:
    """Accepts connections; says nothing by itself."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address: tuple[str, int] = self._listener.getsockname()
        self.peers: list[Peer] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._stopping:
                connection.close()
                return
            self.peers.append(Peer(connection))

    def peer(self, number: int = 0) -> Peer:
        """The connection of that number, as soon as it is there."""
        wait_until(lambda: len(self.peers) > number)
        return self.peers[number]

    def close(self) -> None:
        self._stopping = True
        socket.create_connection(self.address).close()
        self._thread.join()
        self._listener.close()
        for peer in self.peers:
            peer.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen"
        time.sleep(0.002)


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert not set(threading.enumerate()) - before


@pytest.fixture
def byte_server(_no_thread_left: None) -> Iterator[ByteServer]:
    server = ByteServer()
    yield server
    server.close()


@pytest.fixture(name="wait_until")
def wait_until_fixture() -> Callable[[Callable[[], bool]], None]:
    """Wait for a condition that other threads bring about; fail when it does not come."""
    return wait_until


@pytest.fixture
def connect() -> Iterator[Callable[[tuple[str, int]], socket.socket]]:
    """Opens client sockets, which are closed in the end."""
    with contextlib.ExitStack() as stack:

        def make(address: tuple[str, int]) -> socket.socket:
            connection = stack.enter_context(socket.create_connection(address, timeout=PATIENCE_S))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection

        yield make
