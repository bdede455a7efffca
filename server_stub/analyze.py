"""`POST /analyze`: from the request to the pool and back. The only place that knows the order of the checks."""

from __future__ import annotations

import asyncio
import sys

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive

from offload_sdk.wire import SERVER_TIMING_HEADER, answer_body, format_server_timing
from server_stub.answers import json_response
from server_stub.engine import Clock, Inference
from server_stub.form import ImageForm
from server_stub.intake import Place
from server_stub.pool import Job, Pool
from server_stub.problems import RequestError
from server_stub.settings import ServerSettings
from server_stub.shell import context_of, request_id_of

__all__ = ["Analyze"]


class _DisconnectedError(Exception):
    """The caller has gone."""


class Analyze:
    """Answers one request. What can be refused is refused before the body is read, cheapest check first."""

    def __init__(self, pool: Pool, settings: ServerSettings, clock: Clock) -> None:
        self._pool = pool
        self._max_body_bytes = settings.max_body_bytes
        self._body_timeout_s = settings.body_timeout_s
        self._clock = clock

    async def __call__(self, request: Request) -> Response:
        context = context_of(request.scope)
        due_s = None if context.deadline_s is None else self._clock() + context.deadline_s
        declared_bytes = self._declared_bytes(request.headers.get("content-length"))
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise RequestError.unsupported_media_type("the body must not be compressed")
        form = ImageForm(request.headers.get("content-type"))
        place = self._pool.admit(due_s, declared_bytes)
        try:
            job = self._pool.submit(
                await self._read(request.receive, form, place),
                place=place,
                top_k=context.top_k,
                due_s=due_s,
                battery_frac=context.battery_frac,
                signal_dbm=context.signal_dbm,
            )
            inference = await self._wait(job, request.receive)
        except _DisconnectedError:
            return Response(status_code=499)  # nobody reads it
        assert job.source is not None
        steps_s = {"queue": job.queue_s or 0.0, "decode": inference.decode_s, "infer": inference.infer_s}
        return json_response(
            answer_body(inference.labels, model=job.source.name, request_id=request_id_of(request.scope)),
            headers={SERVER_TIMING_HEADER: format_server_timing(steps_s)},
        )

    def _declared_bytes(self, header: str | None) -> int:
        declared_bytes = int(header) if header is not None and header.isdigit() else 0
        if declared_bytes > self._max_body_bytes:
            raise RequestError.body_too_large(self._max_body_bytes)
        return declared_bytes

    async def _read(self, receive: Receive, form: ImageForm, place: Place) -> bytes:
        """Return the image; if there is none to return, leave the place."""
        try:
            if sys.version_info >= (3, 11):  # without a task of its own, unlike wait_for
                async with asyncio.timeout(self._body_timeout_s):
                    return await self._read_form(receive, form, place)
            return await asyncio.wait_for(self._read_form(receive, form, place), self._body_timeout_s)
        except BaseException as error:  # the shutdown's cancelling too
            form.drop()  # the error's frames would keep it while the rest of the body is thrown away
            place.leave()
            if isinstance(error, asyncio.TimeoutError):
                raise RequestError.slow_body(self._body_timeout_s) from None
            raise

    async def _read_form(self, receive: Receive, form: ImageForm, place: Place) -> bytes:
        received_bytes = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _DisconnectedError
            chunk = message.get("body", b"")
            received_bytes += len(chunk)
            if received_bytes > self._max_body_bytes:
                raise RequestError.body_too_large(self._max_body_bytes)
            if not place.hold(received_bytes):
                raise self._pool.overloaded()
            if chunk:
                form.feed(chunk)
            more = message.get("more_body", False)
        return form.finish()

    async def _wait(self, job: Job, receive: Receive) -> Inference:
        if job.started:  # it cannot be stopped any more, so nobody need watch the connection
            return await job.done
        gone = asyncio.ensure_future(receive())
        try:
            await asyncio.wait((gone, job.done), return_when=asyncio.FIRST_COMPLETED)
            if not job.done.done():
                raise _DisconnectedError
            return job.done.result()
        finally:
            gone.cancel()
            self._pool.withdraw(job)
