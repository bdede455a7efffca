"""The outermost ASGI layer: every request gets an id, every response carries it, no exception gets past it.

It also takes the rest of a body that was refused early. A server that answers 413 and closes with bytes unread
makes the kernel send a reset, which can overtake the answer; so the answer is sent first and then the rest
is thrown away, within a bound of bytes and time. It knows no route. Once a request is answered, it reports it.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offload_sdk.wire import REQUEST_ID_HEADER, RequestContext, parse_context
from server_stub.answers import problem_response
from server_stub.engine import Clock
from server_stub.problems import RequestError
from server_stub.served import GONE_STATUS, Served, notes_of

__all__ = ["RequestShell", "context_of", "request_id_of"]

_LINGER_S = 5.0
_NO_SNIFF = (b"x-content-type-options", b"nosniff")  # no browser takes an answer for a page or a script
_CONTEXT = "offload.context"
_REQUEST_ID = "offload.request_id"


def context_of(scope: Scope) -> RequestContext:
    context: RequestContext = scope[_CONTEXT]
    return context


def request_id_of(scope: Scope) -> str:
    request_id: str = scope[_REQUEST_ID]
    return request_id


class RequestShell:
    """ASGI middleware. `max_body_bytes` bounds what is read of a body only to throw it away. While `closing`,
    every answer closes its connection. `report` gets each request once it is answered, and must not raise."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        clock: Clock,
        closing: Callable[[], bool],
        report: Callable[[Served], None],
    ) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._clock = clock
        self._closing = closing
        self._report = report

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s, began_at_s = self._clock(), time.time()
        exchange = _Exchange(scope, receive, send, self._max_body_bytes, self._closing)
        notes = notes_of(scope)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:  # uvicorn's, when the time for the shutdown is over
            if exchange.status is None:
                notes.problem = RequestError.not_ready("draining")
                refusal = problem_response(notes.problem, scope["path"])
                await refusal(scope, exchange.receive, exchange.send_only)
        except Exception as error:
            if isinstance(error, RequestError):
                notes.problem = error
            else:
                notes.problem, notes.error = RequestError.internal(), error
            if exchange.status is None:
                await problem_response(notes.problem, scope["path"])(scope, exchange.receive, exchange.send)
        client = scope.get("client")
        self._report(
            Served(
                request_id=exchange.request_id,
                method=scope["method"],
                path=scope["path"],
                route=getattr(scope.get("route"), "path", None),
                client=client[0] if client else None,
                token=notes.token,
                status=exchange.status or GONE_STATUS,
                began_at_s=began_at_s,
                total_s=self._clock() - began_s,
                trace=context_of(scope).trace,
                admit_s=None if notes.admitted_s is None else notes.admitted_s - began_s,
                steps_s=notes.steps_s,
                model=notes.model,
                repeat=notes.repeat,
                problem=notes.problem,
                error=notes.error,
            )
        )


class _Exchange:
    """One request with its response. `status` is None until it is answered."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, max_body_bytes: int, closing: Callable[[], bool]
    ) -> None:
        headers = Headers(scope=scope)
        context = parse_context(headers)
        self.request_id = context.request_id or uuid.uuid4().hex
        scope[_CONTEXT] = context
        scope[_REQUEST_ID] = self.request_id
        self.status: int | None = None
        self._receive = receive
        self._send = send
        self._closing = closing
        self._limit_bytes = max_body_bytes
        declared = headers.get("content-length", "")
        chunked = "transfer-encoding" in headers
        self._bounded = not chunked and (not declared or (declared.isdigit() and int(declared) <= max_body_bytes))
        self._body_ended = not chunked and declared in ("", "0")

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._body_ended = True
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            added = [(REQUEST_ID_HEADER.lower().encode("ascii"), self.request_id.encode("latin-1")), _NO_SNIFF]
            if self._closing() or not (self._body_ended or self._bounded):
                added.append((b"connection", b"close"))
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        elif not self._body_ended and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._discard_rest()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def send_only(self, message: Message) -> None:
        """Send without reading the rest of the body: there is no time left for it."""
        self._body_ended = True
        await self.send(message)

    async def _discard_rest(self) -> None:
        try:
            await asyncio.wait_for(self._read_to_end(), _LINGER_S)
        except asyncio.TimeoutError:
            return

    async def _read_to_end(self) -> None:
        left_bytes = self._limit_bytes
        while not self._body_ended and left_bytes > 0:
            left_bytes -= len((await self.receive()).get("body", b""))
