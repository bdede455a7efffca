"""The remote path: one image to one endpoint within a budget, and the probes of its link. No decision."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from offload_sdk import wire
from offload_sdk._types import Label, Outcome, OutcomeRole, OutcomeStatus, Payload, Request, TraceContext
from offload_sdk._view import View
from offload_sdk.errors import RemoteError
from offload_sdk.execute.exchange import Exchange, HttpSession, Reply
from offload_sdk.execute.offload_protocol import OffloadProtocol
from offload_sdk.execute.protocol import Call, RemoteProtocol
from offload_sdk.execute.workers import Workers
from offload_sdk.typing import Clock, Picture

__all__ = ["RemoteExecutor"]

_MOST_CONCURRENT = 16
_REQUEST_LINE_BYTES = 190  # request line, Host, User-Agent, digest and what else the session adds
_LEAST_BUDGET_S = 0.001


@dataclass(slots=True)
class _Attempt:
    """What one exchange came to, as it is being put together."""

    started_s: float
    sent_bytes: int
    timings: dict[str, float] = field(default_factory=dict)
    cold: bool = False
    received_bytes: int = 0
    labels: tuple[Label, ...] = ()
    result: Any = None
    model: str | None = None
    error: RemoteError | None = None
    censored: bool = False


class RemoteExecutor:
    """Sends images to one endpoint over a pooled `HttpSession`, in our own protocol if no other is given.

    Every exchange runs in a worker thread while the caller waits for at most the budget; then its connection
    is shut down and the caller goes on. So nothing that a network does (a black hole, an answer that drips, a
    name lookup that hangs) holds the caller longer. A pooled connection that turns out to be dead is replaced
    once; that exchange's time is then not reported as the network's (Karn's rule).
    """

    def __init__(
        self,
        name: str,
        session: HttpSession,
        *,
        clock: Clock,
        connect_timeout_s: float,
        protocol: RemoteProtocol | None = None,
    ) -> None:
        self.name = name
        self._session = session
        self._protocol = OffloadProtocol() if protocol is None else protocol
        self._clock = clock
        self._connect_timeout_s = connect_timeout_s
        self._workers = Workers(_MOST_CONCURRENT, f"offload-{name}")
        self._running: set[Exchange] = set()

    def run(self, picture: Picture, request: Request, role: OutcomeRole, budget_s: float | None) -> Outcome:
        """Upload the picture and wait for its classes. Raises `InvalidImageError` if it cannot be decoded."""
        started_s = self._clock()
        timings: dict[str, float] = {}
        coding = request.payloads.get(self.name)
        failed = self._introduce(started_s, budget_s)
        if failed is not None:
            return self._outcome(failed, role, started_s, timings)
        try:
            call = self._protocol.classify(picture, coding, request.request_id, timings)
        except RemoteError as error:  # what the endpoint wants cannot be made of the picture, or must not be sent
            failed = _Attempt(started_s=started_s, sent_bytes=0, error=error)
            return self._outcome(failed, role, started_s, timings)
        context = wire.RequestContext(
            request_id=request.request_id,
            deadline_s=self._left_s(started_s, budget_s),
            battery_frac=request.snapshot.battery_frac,
            signal_dbm=request.snapshot.signal_dbm,
            top_k=request.top_k,
            trace=request.trace or TraceContext(trace_id=request.request_id, span_id=secrets.token_hex(8)),
        )
        attempt = self._upload(call, context)
        attempt.labels = attempt.labels[: request.top_k]  # a server may know only the three of the contract
        return self._outcome(attempt, role, started_s, timings, call.payload)

    def ping(self, budget_s: float) -> Outcome:
        """Ask for the endpoint's health: a round trip with hardly any bytes; at first also for its metadata."""
        attempt = self._attempt(self._protocol.health(), budget_s, _checked_by(self._protocol.check_health))
        if attempt.error is None:
            attempt = self._introduce(attempt.started_s, budget_s) or attempt
        return self._outcome(attempt, "probe", attempt.started_s, {}, self._protocol.only_payload)

    def upload(self, size_bytes: int, budget_s: float) -> Outcome:
        """Upload a tiny picture padded to `size_bytes`: a sample of the link's rate. A ping if it takes none."""
        call = self._protocol.filler(size_bytes)
        if call is None:
            return self.ping(budget_s)
        attempt = self._upload(call, wire.RequestContext(deadline_s=budget_s))
        return self._outcome(attempt, "probe", attempt.started_s, {})

    def close(self) -> None:
        """End what is on its way: a thread must not outlive the executor because an answer does not come."""
        self._workers.close()
        for exchange in tuple(self._running):
            exchange.end()
        self._session.close()

    def _introduce(self, started_s: float, budget_s: float | None) -> _Attempt | None:
        """Ask what the protocol wants to know of the endpoint; return the attempt that failed, if one did."""
        for question in self._protocol.questions():
            learn = _checked_by(partial(self._protocol.learn, question))
            attempt = self._attempt(question, self._left_s(started_s, budget_s), learn)
            if attempt.error is not None:
                return attempt
        return None

    def _left_s(self, started_s: float, budget_s: float | None) -> float | None:
        return None if budget_s is None else budget_s - (self._clock() - started_s)

    def _upload(self, call: Call, context: wire.RequestContext) -> _Attempt:
        return self._attempt(
            replace(call, headers={**call.headers, **wire.request_headers(context)}),
            context.deadline_s,
            partial(self._read_answer, call.view),
        )

    def _read_answer(self, view: View, reply: Reply, attempt: _Attempt) -> None:
        answer = self._protocol.read_answer(reply, view)
        attempt.labels = answer.labels
        attempt.result = answer.result
        attempt.model = answer.model
        reported_s = [answer.server_s[step] for step in wire.SERVER_STEPS if step in answer.server_s]
        if reported_s:
            attempt.timings["server"] = sum(reported_s)

    def _attempt(self, call: Call, budget_s: float | None, read: Callable[[Reply, _Attempt], None]) -> _Attempt:
        """Run one exchange within the budget. Network failures end up in `error`."""
        head_bytes = sum(len(k) + len(v) + 4 for k, v in call.headers.items()) + _REQUEST_LINE_BYTES
        attempt = _Attempt(started_s=self._clock(), sent_bytes=len(call.body or b"") + head_bytes)
        limit_s = None if budget_s is None else max(budget_s, _LEAST_BUDGET_S)
        exchange = Exchange()
        retried = False

        def send() -> Reply:
            return self._session.send(
                call.method,
                call.path,
                headers=call.headers,
                body=call.body,
                connect_timeout_s=min(self._connect_timeout_s, limit_s or self._connect_timeout_s),
                read_timeout_s=limit_s,
                max_bytes=call.max_bytes,
                exchange=exchange,
            )

        def send_on_live_connection() -> Reply:
            nonlocal retried
            try:
                return send()
            except RemoteError as error:
                if error.kind != "broken" or not exchange.reused or exchange.ended:
                    raise
            retried = True
            self._session.forget_connections()
            return send()

        self._running.add(exchange)
        try:
            task = self._workers.submit(send_on_live_connection)
            if task is None:
                attempt.error = RemoteError("too many requests to this endpoint are waiting already", kind="busy")
                return attempt
            ended = task.wait(limit_s)
        finally:
            self._running.discard(exchange)
        total_s = self._clock() - attempt.started_s
        if not ended:
            exchange.end()
            attempt.error = RemoteError(f"no answer within {total_s * 1e3:.0f} ms", kind="timeout")
            attempt.censored = True
            attempt.timings["network"] = total_s
            return attempt
        attempt.cold = not exchange.reused
        connect_s = exchange.connect_s or 0.0
        try:
            reply = task.result()
            attempt.received_bytes = len(reply.body) + sum(len(k) + len(v) + 4 for k, v in reply.headers.items())
            read(reply, attempt)
        except RemoteError as error:
            attempt.error = error
            if exchange.ended:  # by `close`
                attempt.error = RemoteError("given up, as the Offloader was closed", kind="cancelled")
                attempt.timings["network"] = total_s
            attempt.censored = attempt.error.kind in ("timeout", "cancelled")
            return attempt
        if attempt.cold:
            attempt.timings["connect"] = connect_s
        server_s = 0.0
        if "server" in attempt.timings:  # what it says of itself is not believed past what was seen
            server_s = min(attempt.timings["server"], max(total_s - connect_s, 0.0))
            attempt.timings["server"] = server_s
        if not retried:
            attempt.timings["network"] = max(total_s - connect_s - server_s, 0.0)
        return attempt

    def _outcome(
        self,
        attempt: _Attempt,
        role: OutcomeRole,
        started_s: float,
        timings: dict[str, float],
        payload: Payload | None = None,
    ) -> Outcome:
        error = attempt.error
        return Outcome(
            option=self.name,
            path="remote",
            status=_status(error),
            role=role,
            started_s=started_s,
            latency_s=self._clock() - started_s,
            censored=attempt.censored,
            timings={**timings, **attempt.timings},
            payload=payload,
            cold=attempt.cold,
            sent_bytes=attempt.sent_bytes,
            received_bytes=attempt.received_bytes,
            error_kind=None if error is None else error.kind,
            error=None if error is None else str(error),
            retry_after_s=None if error is None else error.retry_after_s,
            labels=attempt.labels,
            result=attempt.result,
            model=attempt.model,
        )


def _status(error: RemoteError | None) -> OutcomeStatus:
    """What was refused for its own sake says nothing about how fast or how reliable the endpoint is."""
    if error is None:
        return "success"
    return "ignored" if error.kind in ("input", "busy", "late", "cancelled", "redaction") else "failed"


def _checked_by(check: Callable[[Reply], None]) -> Callable[[Reply, _Attempt], None]:
    return lambda reply, attempt: check(reply)
