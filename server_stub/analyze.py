"""`POST /analyze`: a picture in a form, its classes as JSON. The checks on the way are `gate`'s."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from offload_sdk.wire import SERVER_TIMING_HEADER, answer_body, format_server_timing
from server_stub.answers import json_response
from server_stub.engine import Classify
from server_stub.form import ImageForm
from server_stub.gate import Gate
from server_stub.shell import context_of, request_id_of

__all__ = ["Analyze"]


class Analyze:
    """Answers one request."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def __call__(self, request: Request) -> Response:
        top_k = context_of(request.scope).top_k

        done = await self._gate.run(
            request,
            lambda: ImageForm(request.headers.get("content-type")),
            lambda image: Classify(image=image, top_k=top_k),
        )
        inference = done.result
        steps_s = {"queue": done.queue_s, "decode": inference.decode_s, "infer": inference.infer_s}
        return json_response(
            answer_body(inference.labels, model=done.source.name, request_id=request_id_of(request.scope)),
            headers={SERVER_TIMING_HEADER: format_server_timing(steps_s)},
        )
