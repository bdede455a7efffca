"""`POST /analyze`: a picture in a form, its classes, or what else the model finds, as JSON. The checks on the way
are `gate`'s."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from offload_sdk.wire import answer_body, task_body
from server_stub.answers import Answer, json_answer
from server_stub.engine import Classify, EngineSource, Inference
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
        request_id = request_id_of(request.scope)

        def answer(inference: Inference, source: EngineSource) -> Answer:
            if inference.fields is None:
                return json_answer(answer_body(inference.labels, model=source.name, request_id=request_id))
            return json_answer(task_body(inference.fields, model=source.name, request_id=request_id))

        return await self._gate.run(
            request,
            lambda: ImageForm(request.headers.get("content-type")),
            lambda image: Classify(image=image, top_k=top_k),
            answer,
        )
