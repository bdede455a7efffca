"""The remote path: one image to one endpoint within a budget, and the probes of its link. No decision."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from offload_sdk import wire
from offload_sdk._types import Label, Outcome, OutcomeRole, OutcomeStatus, Request
from offload_sdk.errors import RemoteError
from offload_sdk.execute.exchange import Exchange, HttpSession, Reply
from offload_sdk.execute.probe_image import padded_jpeg
from offload_sdk.execute.workers import Workers
from offload_sdk.typing import Clock, Picture

__all__ = ["RemoteExecutor"]

_MOST_CONCURRENT = 16
_REQUEST_LINE_BYTES = 120  # request line, Host, User-Agent and what else the HTTP library adds
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
    model: str | None = None
    error: RemoteError | None = None
    censored: bool = False


class RemoteExecutor:
    """Sends images to one endpoint over a pooled `HttpSession`.

    Every exchange runs in a worker thread while the caller waits for at most the budget; then its connection
    is shut down and the caller goes on. So nothing that a network does (a black hole, an answer that drips, a
    name lookup that hangs) holds the caller longer. A pooled connection that turns out to be dead is replaced
    once; that exchange's time is then not reported as the network's (Karn's rule).
    """

    def __init__(self, name: str, session: HttpSession, *, clock: Clock, connect_timeout_s: float) -> None:
        self.name = name
        self._session = session
        self._clock = clock
        self._connect_timeout_s = connect_timeout_s
        self._workers = Workers(_MOST_CONCURRENT, f"offload-{name}")
        self._running: set[Exchange] = set()

    def run(self, picture: Picture, request: Request, role: OutcomeRole, budget_s: float | None) -> Outcome:
        """Upload the picture and wait for its classes. Raises `InvalidImageError` if it cannot be decoded."""
        started_s = self._clock()
        timings: dict[str, float] = {}
        coding = request.payloads.get(self.name)
        payload, media_type = picture.payload(timings, coding)
        prepare_s = self._clock() - started_s
        left_s = None if budget_s is None else budget_s - prepare_s
        context = wire.RequestContext(
            request_id=request.request_id,
            deadline_s=left_s,
            battery_frac=request.snapshot.battery_frac,
            signal_dbm=request.snapshot.signal_dbm,
            top_k=request.top_k,
        )
        attempt = self._upload(payload, media_type, context, left_s)
        attempt.labels = attempt.labels[: request.top_k]  # a server may know only the three of the contract
        return replace(self._outcome(attempt, role, started_s, timings), payload=coding)

    def ping(self, budget_s: float) -> Outcome:
        """Ask for the endpoint's health: a round trip with hardly any bytes."""
        attempt = self._attempt("GET", wire.HEALTH_PATH, {}, None, budget_s, _check_health)
        return self._outcome(attempt, "probe", attempt.started_s, {})

    def upload(self, size_bytes: int, budget_s: float) -> Outcome:
        """Upload a tiny picture padded to `size_bytes`: a sample of the link's rate."""
        context = wire.RequestContext(deadline_s=budget_s)
        attempt = self._upload(padded_jpeg(size_bytes), "image/jpeg", context, budget_s)
        return self._outcome(attempt, "probe", attempt.started_s, {})

    def close(self) -> None:
        """End what is on its way: a thread must not outlive the executor because an answer does not come."""
        self._workers.close()
        for exchange in tuple(self._running):
            exchange.end()
        self._session.close()

    def _upload(
        self, image: bytes, media_type: str, context: wire.RequestContext, budget_s: float | None
    ) -> _Attempt:
        content_type, body = wire.encode_image(image, media_type, boundary=secrets.token_hex(16))
        headers = {"Content-Type": content_type, **wire.request_headers(context)}
        return self._attempt("POST", wire.ANALYZE_PATH, headers, body, budget_s, _read_answer)

    def _attempt(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
        budget_s: float | None,
        read: Callable[[Reply, _Attempt], None],
    ) -> _Attempt:
        """Run one exchange within the budget. Network failures end up in `error`."""
        size = len(body or b"") + sum(len(k) + len(v) + 4 for k, v in headers.items()) + _REQUEST_LINE_BYTES
        attempt = _Attempt(started_s=self._clock(), sent_bytes=size)
        limit_s = None if budget_s is None else max(budget_s, _LEAST_BUDGET_S)
        exchange = Exchange()
        retried = False

        def send() -> Reply:
            return self._session.send(
                method,
                path,
                headers=headers,
                body=body,
                connect_timeout_s=min(self._connect_timeout_s, limit_s or self._connect_timeout_s),
                read_timeout_s=limit_s,
                max_bytes=wire.MAX_ANSWER_BYTES,
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
        self, attempt: _Attempt, role: OutcomeRole, started_s: float, timings: dict[str, float]
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
            cold=attempt.cold,
            sent_bytes=attempt.sent_bytes,
            received_bytes=attempt.received_bytes,
            error_kind=None if error is None else error.kind,
            error=None if error is None else str(error),
            retry_after_s=None if error is None else error.retry_after_s,
            labels=attempt.labels,
            model=attempt.model,
        )


def _status(error: RemoteError | None) -> OutcomeStatus:
    """What was refused for its own sake says nothing about how fast or how reliable the endpoint is."""
    if error is None:
        return "success"
    return "ignored" if error.kind in ("input", "busy", "late", "cancelled") else "failed"


def _read_answer(reply: Reply, attempt: _Attempt) -> None:
    _check_status(reply)
    answer = wire.parse_answer(reply.body, reply.headers.get(wire.SERVER_TIMING_HEADER))
    attempt.labels = answer.labels
    attempt.model = answer.model
    reported_s = [answer.server_s[step] for step in wire.SERVER_STEPS if step in answer.server_s]
    if reported_s:
        attempt.timings["server"] = sum(reported_s)


def _check_health(reply: Reply, attempt: _Attempt) -> None:
    """Anything may answer 200 at `/`: a captive portal, another service. Only a server says it is well."""
    _check_status(reply)
    wire.parse_health(reply.body)


def _check_status(reply: Reply) -> None:
    """Raise the `RemoteError` that a status other than 200 stands for."""
    status = reply.status
    if status == 200:
        return
    message = f"HTTP {status}"
    detail = wire.parse_error_message(reply.body)
    if detail is not None:
        message = f"{message} ({detail})"
    if status in (401, 403):
        raise RemoteError(
            f"{message}: the server did not accept the token; check OFFLOAD_TOKEN", kind="auth", status=status
        )
    if status in (400, 413, 415, 422):
        raise RemoteError(f"the server did not accept the image: {message}", kind="input", status=status)
    if status == 504:
        raise RemoteError(f"the server sees no way to answer in time: {message}", kind="late", status=status)
    if status in (429, 503):
        retry_after_s = wire.parse_retry_after(reply.headers.get("Retry-After"))
        raise RemoteError(
            f"the server is too busy: {message}", kind="refused", status=status, retry_after_s=retry_after_s
        )
    raise RemoteError(f"the server answered {message}", kind="status", status=status)
