"""From a request to the pool and back, in any protocol. The only place that knows the order of the checks."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Callable, Hashable
from typing import Any, Protocol, TypeVar

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from offload_sdk.digest import DIGEST_HEADER
from offload_sdk.wire import SERVER_TIMING_HEADER, format_server_timing
from offload_sdk.wire_open_inference import HEADER_LENGTH_HEADER
from server_stub.access import client_of
from server_stub.answers import Answer, sealed_response
from server_stub.engine import Clock, EngineSource, Task, Timed
from server_stub.intake import Place
from server_stub.pool import Job, Pool
from server_stub.problems import RequestError
from server_stub.repeats import Repeats
from server_stub.served import Notes, notes_of
from server_stub.settings import ServerSettings
from server_stub.shell import context_of
from server_stub.verified_body import VerifiedBody

__all__ = ["Body", "DisconnectedError", "Gate", "body_time_s"]

_GRACE_S = 10.0  # as long as a device waits for its answer, unless told otherwise
_FLOOR_BYTES_PER_S = 1024
_MOST_DIGITS = 9  # more are no length, and only `/v2` has one at all
_ENTRY_BYTES = 500  # what an answer that is remembered takes beside its body

T = TypeVar("T", bound=Timed)


def body_time_s(received_bytes: int, most_s: float) -> float:
    """Return how long after its beginning more of a body must have come: who drips holds a place for nothing."""
    return min(most_s, _GRACE_S + received_bytes / _FLOOR_BYTES_PER_S)


class Body(Protocol):
    """Collects a request's body as its chunks arrive. `finish` gives what the model is to have; `drop` lets go of
    what has come. Raises `RequestError`."""

    def feed(self, chunk: bytes) -> None: ...

    def finish(self) -> bytes: ...

    def drop(self) -> None: ...


class DisconnectedError(Exception):
    """The caller has gone: nobody reads an answer."""


class Gate:
    """Takes requests in. What can be refused is refused before the body is read, cheapest check first."""

    def __init__(self, pool: Pool, settings: ServerSettings, clock: Clock) -> None:
        self._pool = pool
        self._max_body_bytes = settings.max_body_bytes
        self._body_timeout_s = settings.body_timeout_s
        self._require_digest = settings.require_digest
        self._clock = clock
        self._knows_repeats = settings.repeat_s > 0.0
        self._repeats: Repeats[Answer | RequestError] = Repeats(
            keep_s=settings.repeat_s,
            max_answers=settings.repeat_answers,
            max_bytes=settings.repeat_bytes,
            clock=clock,
            withdraw=pool.withdraw,
        )

    async def run(
        self,
        request: Request,
        body: Callable[[], Body],
        task: Callable[[bytes], Task[T]],
        answer: Callable[[T, EngineSource], Answer],
    ) -> Response:
        """Check the request, read its body, have a worker do the task that `task` makes of it, and return what
        `answer` makes of its result. A request that comes again gets the answer of the first.

        `body` is called once the head of the request is accepted. Raises `RequestError` and `DisconnectedError`.
        """
        context = context_of(request.scope)
        due_s = None if context.deadline_s is None else self._clock() + context.deadline_s
        declared_bytes = self._declared_bytes(request.headers.get("content-length"))
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise RequestError.unsupported_media_type("the body must not be compressed")
        named = self._knows_repeats and context.request_id is not None
        collected = VerifiedBody(body(), _digest_of(request.headers), required=self._require_digest)
        place = self._pool.admit(due_s, declared_bytes)
        notes = notes_of(request.scope)
        content, notes.admitted_s = await self._read(request.receive, collected, place)
        key = _key(request, content) if named else None
        known = self._repeats.answer(key)
        if known is not None:
            place.leave()
            notes.repeat = "remembered"
            if isinstance(known, RequestError):
                raise known.again()
            return self._response(known, notes)
        job: Job[T] | None = self._repeats.job(key)
        if job is not None:
            place.leave()
            notes.repeat = "joined"
        else:
            job = self._pool.submit(
                task(content),
                place=place,
                size_bytes=len(content),
                due_s=due_s,
                battery_frac=context.battery_frac,
                signal_dbm=context.signal_dbm,
            )
        del content  # it is the job's, or nobody's; this frame lives until the answer
        with self._repeats.waiting(key, job):
            try:
                result = await self._wait(job, request.receive)
            except RequestError as problem:
                if problem.is_final:
                    self._repeats.keep(key, problem.again(), len(problem.message) + _ENTRY_BYTES)
                raise
            assert job.source is not None
            made = answer(result, job.source)
            self._repeats.keep(key, made, len(made.body) + _ENTRY_BYTES)
        notes.model = job.source.name
        return self._response(made, notes, None if notes.repeat else result)

    def _response(self, answer: Answer, notes: Notes, result: Timed | None = None) -> Response:
        """Return the answer with the times of the `result` that it was made of for this very request, if it was.

        `queue` is all the time since the body was complete in which it was neither decoded nor inferred: it waited
        for a worker, the rest of a batch, the event loop, or for another request's answer.
        """
        decode_s, infer_s = (0.0, 0.0) if result is None else (result.decode_s, result.infer_s)
        assert notes.admitted_s is not None
        passed_s = self._clock() - notes.admitted_s
        notes.steps_s = {"queue": max(0.0, passed_s - decode_s - infer_s), "decode": decode_s, "infer": infer_s}
        return sealed_response(answer, headers={SERVER_TIMING_HEADER: format_server_timing(notes.steps_s)})

    def _declared_bytes(self, header: str | None) -> int:
        declared_bytes = int(header) if header is not None and header.isdigit() else 0
        if declared_bytes > self._max_body_bytes:
            raise RequestError.body_too_large(self._max_body_bytes)
        return declared_bytes

    async def _read(self, receive: Receive, body: Body, place: Place) -> tuple[bytes, float]:
        """Return the body's content and when the last of it came; if there is none to return, leave the place."""
        try:
            if sys.version_info >= (3, 11):  # without a task of its own, unlike wait_for
                async with asyncio.timeout(self._body_timeout_s) as limit:
                    began_s = asyncio.get_running_loop().time()

                    def keep_pace(received_bytes: int) -> None:
                        limit.reschedule(began_s + body_time_s(received_bytes, self._body_timeout_s))

                    keep_pace(0)
                    return await self._read_all(receive, body, place, keep_pace)
            return await asyncio.wait_for(
                self._read_all(receive, body, place, lambda received_bytes: None), self._body_timeout_s
            )
        except BaseException as error:  # the shutdown's cancelling too
            body.drop()  # the error's frames would keep it while the rest of the body is thrown away
            place.leave()
            if isinstance(error, asyncio.TimeoutError):
                raise RequestError.slow_body(self._body_timeout_s) from None
            raise

    async def _read_all(
        self, receive: Receive, body: Body, place: Place, keep_pace: Callable[[int], None]
    ) -> tuple[bytes, float]:
        received_bytes = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise DisconnectedError
            came_s = self._clock()
            chunk = message.get("body", b"")
            received_bytes += len(chunk)
            if received_bytes > self._max_body_bytes:
                raise RequestError.body_too_large(self._max_body_bytes)
            if not place.hold(received_bytes):
                raise self._pool.overloaded()
            if chunk:
                keep_pace(received_bytes)
                body.feed(chunk)
            more = message.get("more_body", False)
        return body.finish(), came_s

    async def _wait(self, job: Job[T], receive: Receive) -> T:
        if not job.started:
            gone: asyncio.Future[Any] = asyncio.ensure_future(receive())
            try:
                await asyncio.wait((gone, job.done), return_when=asyncio.FIRST_COMPLETED)
            finally:
                gone.cancel()
            if not (job.started or job.done.done()):
                raise DisconnectedError
        # It cannot be stopped any more: its answer is kept for who has gone, and will ask again.
        return await asyncio.shield(job.done)  # others may wait for it too


def _key(request: Request, content: bytes) -> Hashable:
    """Return what makes two requests one: who asks, under which id, and all that its answer depends on. Not the
    bytes around the content: most clients draw a form's boundary anew each time."""
    headers, context = request.headers, context_of(request.scope)
    header_bytes = headers.get(HEADER_LENGTH_HEADER, "")[:_MOST_DIGITS]
    asked = request.scope["path"], header_bytes, context.top_k
    return client_of(request.scope), context.request_id, hashlib.sha256(content).digest(), asked


def _digest_of(headers: Headers) -> str | None:
    """Several fields of one name are one list."""
    return ", ".join(headers.getlist(DIGEST_HEADER)) or None
