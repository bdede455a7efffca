"""The outermost ASGI layer: every request gets an id, every response carries it, no exception gets past it.

It also takes the rest of a body that was refused early. A server that answers 413 and closes with bytes unread
makes the kernel send a reset, which can overtake the answer; so the answer is sent first and then the rest
is thrown away, within a bound of bytes and time. It knows no route.
"""

from __future__ import annotations

import asyncio
import uuid

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offload_sdk.wire import REQUEST_ID_HEADER, RequestContext, parse_context
from server_stub.answers import problem_response
from server_stub.logs import log_problem
from server_stub.problems import RequestError

__all__ = ["RequestShell", "context_of", "request_id_of"]

_LINGER_S = 5.0
_CONTEXT = "offload.context"
_REQUEST_ID = "offload.request_id"


def context_of(scope: Scope) -> RequestContext:
    context: RequestContext = scope[_CONTEXT]
    return context


def request_id_of(scope: Scope) -> str:
    request_id: str = scope[_REQUEST_ID]
    return request_id


class RequestShell:
    """ASGI middleware. `max_body_bytes` bounds what is read of a body only to throw it away."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send, self._max_body_bytes)
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except asyncio.CancelledError:  # uvicorn's, when the time for the shutdown is over
            if not exchange.answering:
                refusal = problem_response(RequestError.not_ready("draining"), scope["path"])
                await refusal(scope, exchange.receive, send)
        except Exception as error:
            problem = RequestError.internal()
            log_problem(scope, exchange.request_id, problem, error)
            if not exchange.answering:
                await problem_response(problem, scope["path"])(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request with its response."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_body_bytes: int) -> None:
        headers = Headers(scope=scope)
        context = parse_context(headers)
        self.request_id = context.request_id or uuid.uuid4().hex
        scope[_CONTEXT] = context
        scope[_REQUEST_ID] = self.request_id
        self.answering = False
        self._receive = receive
        self._send = send
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
            self.answering = True
            added = [(REQUEST_ID_HEADER.lower().encode("ascii"), self.request_id.encode("latin-1"))]
            if not self._body_ended and not self._bounded:
                added.append((b"connection", b"close"))
            message = {**message, "headers": [*message.get("headers", ()), *added]}
        elif not self._body_ended and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._discard_rest()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _discard_rest(self) -> None:
        try:
            await asyncio.wait_for(self._read_to_end(), _LINGER_S)
        except asyncio.TimeoutError:
            return

    async def _read_to_end(self) -> None:
        left_bytes = self._limit_bytes
        while not self._body_ended and left_bytes > 0:
            left_bytes -= len((await self.receive()).get("body", b""))
