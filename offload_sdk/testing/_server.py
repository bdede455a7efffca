"""A server that speaks the contract and fails as it is told. What a fault looks like is in `_faults`."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import get_args

from offload_sdk import wire
from offload_sdk._types import Label
from offload_sdk.errors import ConfigurationError, InvalidImageError
from offload_sdk.testing import _faults
from offload_sdk.testing._faults import Fault
from offload_sdk.testing._http import Parsed, ReceivedRequest, multipart_field, read_request
from offload_sdk.testing._sockets import listening_socket, reset_on_close

_CATS = (
    Label(name="tabby", probability=0.7, index=281),
    Label(name="Egyptian cat", probability=0.2, index=285),
    Label(name="tiger cat", probability=0.06, index=282),
)
_BLOCK = b" " * 65536  # white space is valid JSON so far, however much of it comes


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
        predict: Sequence[Label] | Callable[[bytes], Sequence[Label]] = _CATS,
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
        self._predict = predict
        self._model = model
        self.retry_after_s = retry_after_s
        self.drip_s = drip_s
        self.host = host
        self._port = port
        self._lock = threading.Condition()
        self._fault: Fault = "ok"
        self._times: int | None = None
        self._path: str | None = None
        self._delay_s = 0.0
        self._requests: list[ReceivedRequest] = []
        self._counts: Counter[str] = Counter()
        self._accepted = 0
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
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
        self._delay_s = seconds

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
                fault = self._record(request, number, first)
                if not request.complete or not self._answer(connection, request, fault, first):
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

    def _record(self, request: Parsed, number: int, first: bool) -> Fault:
        with self._lock:
            fault: Fault = "ok"
            if self._path in (None, request.path) and self._times != 0:
                fault = self._fault
                if self._times is not None:
                    self._times -= 1
            self._counts[fault] += 1
            self._requests.append(
                ReceivedRequest(
                    method=request.method,
                    path=request.path,
                    headers=request.headers,
                    body=request.body,
                    complete=request.complete,
                    connection=number,
                    new_connection=first,
                    fault=fault,
                )
            )
            self._lock.notify_all()
            return fault

    def _answer(self, connection: socket.socket, request: Parsed, fault: Fault, first: bool) -> bool:
        """Do what the fault asks for; true if the connection may go on."""
        started_s = time.monotonic()
        if self._delay_s > 0.0 and self._stopping.wait(self._delay_s):
            return False
        if fault == "black_hole":
            while connection.recv(65536):  # until the client, or `stop`, ends it
                pass
            return False
        if fault == "reset" or (fault == "reset_reused" and not first):
            reset_on_close(connection)
            return False
        if fault == "huge":
            connection.sendall(_faults.head(200, {"Content-Type": "application/json", "Connection": "close"}))
            while not self._stopping.is_set():
                connection.sendall(_BLOCK)
            return False
        whole = self._message(request, fault, started_s)
        if fault == "truncated":
            body_bytes = len(whole) - whole.index(b"\r\n\r\n") - 4
            connection.sendall(whole[: len(whole) - body_bytes + body_bytes // 2])
            return False
        if fault in ("slow_drip", "slow_drip_headers"):
            return self._drip(connection, whole, 0 if fault == "slow_drip_headers" else None)
        connection.sendall(whole)
        return fault != "close_idle"

    def _drip(self, connection: socket.socket, whole: bytes, start: int | None) -> bool:
        if start is None:
            start = whole.index(b"\r\n\r\n") + 4
        connection.sendall(whole[:start])
        for position in range(start, len(whole)):
            if self._stopping.wait(self.drip_s):
                return False
            connection.sendall(whole[position : position + 1])
        return True

    def _message(self, request: Parsed, fault: Fault, started_s: float) -> bytes:
        if fault.startswith("http_"):
            return _faults.error(int(fault.removeprefix("http_")), retry_after_s=self.retry_after_s)
        if fault == "garbage":
            return _faults.answer(200, _faults.GARBAGE)
        if fault == "wrong_json":
            with self._lock:
                turn = self._counts["wrong_json"] - 1
            return _faults.answer(200, _faults.WRONG_SHAPES[turn % len(_faults.WRONG_SHAPES)])
        if fault == "redirect" and request.path != "/elsewhere":
            return _faults.answer(307, b"", Location=f"{self.url}/elsewhere")
        if (request.method, request.path) == ("GET", wire.HEALTH_PATH):
            health = {"status": "ok", "model_loaded": True, "model": self._model, "version": "testing"}
            return _faults.answer(200, json.dumps(health).encode())
        if (request.method, request.path) == ("POST", wire.ANALYZE_PATH):
            return self._analyze(request, started_s)
        return _faults.error(404, retry_after_s=self.retry_after_s)

    def _analyze(self, request: Parsed, started_s: float) -> bytes:
        image = multipart_field(request.headers.get("content-type", ""), request.body, wire.IMAGE_FIELD)
        if image is None:
            return _faults.error(400, retry_after_s=self.retry_after_s)
        context = wire.parse_context(request.headers)
        queued_s = time.monotonic() - started_s
        try:
            labels = self._predict(image) if callable(self._predict) else self._predict
        except InvalidImageError:
            return _faults.error(400, retry_after_s=self.retry_after_s)
        except Exception:  # whatever it is, a server answers 500
            return _faults.error(500, retry_after_s=self.retry_after_s)
        timing = {"queue": queued_s, "decode": 0.0, "infer": time.monotonic() - started_s - queued_s}
        body = wire.answer_body(
            labels[: context.top_k], model=self._model, request_id=context.request_id or "testing"
        )
        return _faults.answer(
            200, json.dumps(body).encode(), **{wire.SERVER_TIMING_HEADER: wire.format_server_timing(timing)}
        )
