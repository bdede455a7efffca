"""A server that speaks the contract and fails as it is told: its life, its switches and what it records.

What it does with a request is in `_responder`.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import get_args

from offload_sdk._types import Label
from offload_sdk.errors import ConfigurationError
from offload_sdk.testing._faults import Fault, damaged
from offload_sdk.testing._http import Parsed, ReceivedRequest, read_request
from offload_sdk.testing._responder import CATS, Responder
from offload_sdk.testing._sockets import listening_socket


class FaultyServer:
    """A small HTTP/1.1 server with `GET /` and `POST /analyze`, and faults that can be switched at any time.

        with FaultyServer() as server:
            offloader = Offloader(OffloadConfig(server_url=server.url))
            server.fail("http_503", times=2)
            ...
            assert server.requests[-1].image == jpeg

    Each connection has a thread. All methods may be called from any thread. Nothing is left running after `stop`
    or the `with` block, whatever the clients do. A request that is being answered keeps the fault it began with.
    """

    def __init__(
        self,
        predict: Sequence[Label] | Callable[[bytes], Sequence[Label]] = CATS,
        *,
        fault: Fault = "ok",
        model: str = "faulty",
        retry_after_s: float = 1.0,
        drip_s: float = 0.05,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """Describe the server; `start` or `with` opens it.

        Args:
            predict: the predictions, best first, or what computes them from the bytes of the image. If it
                raises `InvalidImageError` the answer is 400, for any other error 500.
            retry_after_s: sent with 429 and 503.
            drip_s: between two bytes of a slow answer.
            port: 0 for a free one, which is kept over `stop` and `start`.
        """
        self.host = host
        self._port = port
        self._lock = threading.Condition()
        self._fault: Fault = "ok"
        self._times: int | None = None
        self._path: str | None = None
        self._requests: list[ReceivedRequest] = []
        self._counts: Counter[str] = Counter()
        self._accepted = 0
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._responder = Responder(predict, model, self._stopping, retry_after_s=retry_after_s, drip_s=drip_s)
        self._acceptor: threading.Thread | None = None
        self._waker: socket.socket | None = None
        self.fail(fault)

    # Its life

    def start(self) -> FaultyServer:
        """Listen; does nothing if it does already. `ConfigurationError` if the port cannot be had."""
        if self._acceptor is not None:
            return self
        try:
            listener = listening_socket(self.host, self._port)
        except OSError as error:
            raise ConfigurationError(
                f"the test server cannot listen on {self.host}:{self._port}: {error}; give a free port"
            ) from error
        self._port = listener.getsockname()[1]
        self._stopping.clear()
        self._waker, woken = socket.socketpair()
        self._acceptor = threading.Thread(
            target=self._accept, args=(listener, woken), name="faulty-server", daemon=True
        )
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close the port and all connections, as when the process dies. Does nothing if it is not running."""
        if self._acceptor is None or self._waker is None:
            return
        self._stopping.set()
        self._waker.close()
        self._acceptor.join()
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):  # its thread is blocked in it and wakes up
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._acceptor = self._waker = None

    def restart(self) -> None:
        """Stop and start again on the same port. What was recorded stays."""
        self.stop()
        self.start()

    def __enter__(self) -> FaultyServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on; `RuntimeError` before the first `start` if none was given."""
        if self._port == 0:
            raise RuntimeError("the test server has no port before it is started")
        return self._port

    @property
    def url(self) -> str:
        """`http://host:port`."""
        return f"http://{self.host}:{self.port}"

    # Switches

    def fail(self, fault: Fault, *, times: int | None = None, path: str | None = None) -> None:
        """Do this from now on: for the next `times` requests, then be `ok` again; or until told otherwise.

        With `path`, `/analyze` for instance, only requests for that path suffer and count.
        `ConfigurationError` for a fault that does not exist.
        """
        if fault not in get_args(Fault):
            raise ConfigurationError(f"there is no fault {fault!r}; choose one of {', '.join(get_args(Fault))}")
        with self._lock:
            self._fault, self._times, self._path = fault, times, path

    def recover(self) -> None:
        """No fault and no delay from now on."""
        self.fail("ok")
        self.delay(0.0)

    def delay(self, seconds: float) -> None:
        """Wait so long before each answer, whatever it is. `Server-Timing` tells the client."""
        self._responder.delay_s = seconds

    # What happened

    @property
    def requests(self) -> tuple[ReceivedRequest, ...]:
        """All requests so far, oldest first."""
        with self._lock:
            return tuple(self._requests)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many requests met each fault (or `ok`)."""
        with self._lock:
            return dict(self._counts)

    @property
    def connections(self) -> int:
        """Accepted so far."""
        return self._accepted

    @property
    def open_connections(self) -> int:
        """Open now."""
        with self._lock:
            return len(self._open)

    def clear(self) -> None:
        """Forget the recorded requests and counts."""
        with self._lock:
            self._requests.clear()
            self._counts.clear()

    def wait_for_requests(self, count: int, timeout_s: float = 10.0) -> tuple[ReceivedRequest, ...]:
        """Wait until `count` requests have come, and return all; `TimeoutError` if they do not come."""
        with self._lock:
            if not self._lock.wait_for(lambda: len(self._requests) >= count, timeout_s):
                raise TimeoutError(f"{len(self._requests)} of {count} requests came within {timeout_s:g} s")
            return tuple(self._requests)

    # Connections

    def _accept(self, listener: socket.socket, woken: socket.socket) -> None:
        with listener, woken, selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while not self._stopping.is_set():
                selector.select()
                try:
                    connection, _ = listener.accept()
                except OSError:  # none there: it was the waker, or the client has gone already
                    continue
                connection.setblocking(True)
                thread = threading.Thread(
                    target=self._serve, args=(connection, self._accepted), name="faulty-connection", daemon=True
                )
                with self._lock:
                    self._accepted += 1
                    self._open.add(connection)
                thread.start()
                self._threads = [*(one for one in self._threads if one.is_alive()), thread]

    def _serve(self, connection: socket.socket, number: int) -> None:
        stream = connection.makefile("rb")
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            first = True
            while not self._stopping.is_set():
                request = read_request(stream)
                if request is None:
                    break
                received = self._record(request, number, first)
                if not received.complete or not self._responder.answer(connection, received):
                    break
                if request.headers.get("connection", "").lower() == "close":
                    break
                first = False
        except OSError:  # the client has gone
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            stream.close()
            connection.close()

    def _record(self, request: Parsed, number: int, first: bool) -> ReceivedRequest:
        with self._lock:
            fault: Fault = "ok"
            if self._path in (None, request.path) and self._times != 0:
                fault = self._fault
                if self._times is not None:
                    self._times -= 1
            self._counts[fault] += 1
            received = ReceivedRequest(
                method=request.method,
                path=request.path,
                headers=request.headers,
                body=damaged(request.body) if fault == "corrupt_upload" else request.body,
                complete=request.complete,
                connection=number,
                new_connection=first,
                fault=fault,
            )
            self._requests.append(received)
            self._lock.notify_all()
            return received
