"""From a request to the pool and back, in any protocol. The only place that knows the order of the checks."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Receive

from offload_sdk.digest import DIGEST_HEADER
from server_stub.engine import Clock, EngineSource, Task, Timed
from server_stub.intake import Place
from server_stub.pool import Job, Pool
from server_stub.problems import RequestError
from server_stub.served import notes_of
from server_stub.settings import ServerSettings
from server_stub.shell import context_of
from server_stub.verified_body import VerifiedBody

__all__ = ["Body", "DisconnectedError", "Done", "Gate", "body_time_s"]

_GRACE_S = 10.0  # as long as a device waits for its answer, unless told otherwise
_FLOOR_BYTES_PER_S = 1024

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Done(Generic[T]):
    """What a task came to and the model that it ran on. `queue_s` is all the time since the body was complete in
    which it was neither decoded nor inferred: it waited for a worker, the rest of a batch, the event loop."""

    result: T
    source: EngineSource
    queue_s: float


class Gate:
    """Takes requests in. What can be refused is refused before the body is read, cheapest check first."""

    def __init__(self, pool: Pool, settings: ServerSettings, clock: Clock) -> None:
        self._pool = pool
        self._max_body_bytes = settings.max_body_bytes
        self._body_timeout_s = settings.body_timeout_s
        self._require_digest = settings.require_digest
        self._clock = clock

    async def run(self, request: Request, body: Callable[[], Body], task: Callable[[bytes], Task[T]]) -> Done[T]:
        """Check the request, read its body, and have a worker do the task that `task` makes of it.

        `body` is called once the head of the request is accepted. Raises `RequestError` and `DisconnectedError`.
        """
        context = context_of(request.scope)
        due_s = None if context.deadline_s is None else self._clock() + context.deadline_s
        declared_bytes = self._declared_bytes(request.headers.get("content-length"))
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise RequestError.unsupported_media_type("the body must not be compressed")
        collected = VerifiedBody(body(), _digest_of(request.headers), required=self._require_digest)
        place = self._pool.admit(due_s, declared_bytes)
        content, complete_s = await self._read(request.receive, collected, place)
        notes = notes_of(request.scope)
        notes.admitted_s = complete_s
        job = self._pool.submit(
            task(content),
            place=place,
            size_bytes=len(content),
            due_s=due_s,
            battery_frac=context.battery_frac,
            signal_dbm=context.signal_dbm,
        )
        result = await self._wait(job, request.receive)
        assert job.source is not None
        passed_s = self._clock() - complete_s
        queue_s = max(0.0, passed_s - result.decode_s - result.infer_s)
        notes.model = job.source.name
        notes.steps_s = {"queue": queue_s, "decode": result.decode_s, "infer": result.infer_s}
        return Done(result=result, source=job.source, queue_s=queue_s)

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
        if job.started:  # it cannot be stopped any more, so nobody need watch the connection
            return await job.done
        gone: asyncio.Future[Any] = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((gone, job.done), return_when=asyncio.FIRST_COMPLETED)
            if not job.done.done():
                raise DisconnectedError
            return job.done.result()
        finally:
            gone.cancel()
            self._pool.withdraw(job)


def _digest_of(headers: Headers) -> str | None:
    """Several fields of one name are one list."""
    return ", ".join(headers.getlist(DIGEST_HEADER)) or None
