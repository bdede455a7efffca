"""What the test server does with a request that it has read: the answer of the contract, or a fault."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Sequence

from offload_sdk import wire
from offload_sdk._types import Label
from offload_sdk.digest import DIGEST_HEADER, DigestCheck, parse_digests
from offload_sdk.errors import InvalidImageError
from offload_sdk.testing import _faults
from offload_sdk.testing._http import ReceivedRequest
from offload_sdk.testing._sockets import reset_on_close

CATS = (
    Label(name="tabby", probability=0.7, index=281),
    Label(name="Egyptian cat", probability=0.2, index=285),
    Label(name="tiger cat", probability=0.06, index=282),
)
_BLOCK = b" " * 65536  # white space is valid JSON so far, however much of it comes


class Responder:
    """Answers for a `FaultyServer`, in the threads of its connections, until `stopping` is set.

    Attributes:
        delay_s: how long to wait before each answer.
    """

    def __init__(
        self,
        predict: Sequence[Label] | Callable[[bytes], Sequence[Label]],
        model: str,
        stopping: threading.Event,
        *,
        retry_after_s: float,
        drip_s: float,
    ) -> None:
        self._predict = predict
        self._model = model
        self._stopping = stopping
        self._retry_after_s = retry_after_s
        self._drip_s = drip_s
        self._wrong_shapes = itertools.cycle(_faults.WRONG_SHAPES)
        self.delay_s = 0.0

    def answer(self, connection: socket.socket, request: ReceivedRequest) -> bool:
        """Do what the request's fault asks for; true if the connection may go on. `OSError` if the client left."""
        started_s = time.monotonic()
        fault = request.fault
        if self.delay_s > 0.0 and self._stopping.wait(self.delay_s):
            return False
        if fault == "black_hole":
            while connection.recv(65536):  # until the client, or `stop`, ends it
                pass
            return False
        if fault == "reset" or (fault == "reset_reused" and not request.new_connection):
            reset_on_close(connection)
            return False
        if fault == "huge":
            connection.sendall(_faults.head(200, {"Content-Type": "application/json", "Connection": "close"}))
            while not self._stopping.is_set():
                connection.sendall(_BLOCK)
            return False
        whole = self._message(request, started_s)
        if fault == "corrupt_answer":
            end = whole.index(b"\r\n\r\n") + 4
            whole = whole[:end] + _faults.damaged(whole[end:])
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
            if self._stopping.wait(self._drip_s):
                return False
            connection.sendall(whole[position : position + 1])
        return True

    def _message(self, request: ReceivedRequest, started_s: float) -> bytes:
        fault = request.fault
        if fault.startswith("http_"):
            return _faults.error(int(fault.removeprefix("http_")), retry_after_s=self._retry_after_s)
        if fault == "garbage":
            return _faults.answer(200, _faults.GARBAGE)
        if fault == "wrong_json":
            return _faults.answer(200, next(self._wrong_shapes))
        if fault == "redirect" and request.path != "/elsewhere":
            return _faults.answer(307, b"", Location="/elsewhere")
        if not _is_as_announced(request):
            return _faults.digest_mismatch()
        if (request.method, request.path) == ("GET", wire.HEALTH_PATH):
            health = {"status": "ok", "model_loaded": True, "model": self._model, "version": "testing"}
            return _faults.answer(200, json.dumps(health).encode())
        if (request.method, request.path) == ("POST", wire.ANALYZE_PATH):
            return self._analyze(request, started_s)
        return _faults.error(404, retry_after_s=self._retry_after_s)

    def _analyze(self, request: ReceivedRequest, started_s: float) -> bytes:
        image = request.image
        if image is None:
            return _faults.error(400, retry_after_s=self._retry_after_s)
        context = wire.parse_context(request.headers)
        queued_s = time.monotonic() - started_s
        try:
            labels = self._predict(image) if callable(self._predict) else self._predict
        except InvalidImageError:
            return _faults.error(400, retry_after_s=self._retry_after_s)
        except Exception:  # whatever it is, a server answers 500
            return _faults.error(500, retry_after_s=self._retry_after_s)
        timing = {"queue": queued_s, "decode": 0.0, "infer": time.monotonic() - started_s - queued_s}
        body = wire.answer_body(
            labels[: context.top_k], model=self._model, request_id=context.request_id or "testing"
        )
        return _faults.answer(
            200, json.dumps(body).encode(), **{wire.SERVER_TIMING_HEADER: wire.format_server_timing(timing)}
        )


def _is_as_announced(request: ReceivedRequest) -> bool:
    try:
        check = DigestCheck(parse_digests(request.headers.get(DIGEST_HEADER.lower(), "")))
    except ValueError:
        return False
    check.update(request.body)
    return check.holds
