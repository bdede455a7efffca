"""One HTTP connection: uvicorn's, with what it lacks against a peer that holds it for nothing. No request logic.

uvicorn bounds the time between two requests. Here the head of a request has a time too (else a connection that
sends a byte now and then lives for ever), and so has an answer that is not read. Bodies are timed by the shell, as
a late one is answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from server_stub.answers import problem_response
from server_stub.problems import RequestError

__all__ = ["Connection"]


class Connection(H11Protocol):
    """A head must have come `head_timeout_s` after the connection was opened, or after its first byte if it is a
    later one, and what is sent must be taken in that time; otherwise the connection is closed. `on_lost` is called
    when it has ended."""

    def __init__(
        self, *arguments: Any, head_timeout_s: float, on_lost: Callable[[], object] = lambda: None, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._head_timeout_s = head_timeout_s
        self._on_lost = on_lost
        self._head_timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None
        self.idle_since_s = self.loop.time()

    @property
    def idle(self) -> bool:
        """Whether no request is being read, worked on or answered; one whose head is not whole does not count."""
        return self.cycle is None or self.cycle.response_complete

    def end(self) -> None:
        """Close at once, whatever is still to be sent."""
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._time_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._time_head()

    def on_response_complete(self) -> None:
        self.idle_since_s = self.loop.time()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._head_timer, self._send_timer):
            if timer is not None:
                timer.cancel()
        self._on_lost()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._send_timer = self.loop.call_later(self._head_timeout_s, self.end)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP in the contract's shape, if there is still something to answer."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            answer = problem_response(RequestError.malformed_request("what came is not a request of HTTP"), "")
            for event in (
                h11.Response(status_code=answer.status_code, headers=answer.raw_headers, reason=b"Bad Request"),
                h11.Data(data=bytes(answer.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _should_upgrade(self) -> bool:
        return False  # to nothing, and without the two lines of log that uvicorn has for each wish

    def _time_head(self) -> None:
        if not self.idle:
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None
        elif self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(self._head_timeout_s, self.end)
