"""The Open Inference Protocol's routes under `/v2`. The checks of an inference are `gate`'s, its work is done by
`inference_task`. Its errors are `{"error": message}`, which `answers` sees to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from offload_sdk._version import __version__
from offload_sdk.wire_open_inference import (
    BINARY_EXTENSION,
    HEADER_LENGTH_HEADER,
    IMAGE_EXTENSION,
    LIVE_PATH,
    READY_PATH,
    SERVER_PATH,
    TensorFacts,
)
from server_stub.answers import Answer, json_response
from server_stub.direct_route import DirectRoute
from server_stub.engine import EngineSource, Signature, Task, TaskSource, TensorSignature
from server_stub.gate import Gate
from server_stub.health import health_response
from server_stub.inference_task import InferenceResult, InferenceTask, input_facts, output_facts
from server_stub.pool import Pool
from server_stub.problems import RequestError
from server_stub.schema_open_inference import INFER, LIVE, MODEL, MODEL_READY, READY, SERVER
from server_stub.shell import context_of
from server_stub.tensor_task import TensorTask
from server_stub.whole_body import WholeBody

__all__ = ["add_open_inference"]

_MODEL_PATH = f"{SERVER_PATH}/models/{{model}}"
_MOST_JSON_BYTES = 4 * 1024 * 1024
"""Once read, JSON takes some ten times its size in memory, and reading it lets no other thread go on; raw bytes
take no more than they are. A picture as FP32 takes 2 to 3.3 MB, by how many digits are sent."""


def add_open_inference(app: FastAPI, pool: Pool, gate: Gate, *, max_body_bytes: int) -> None:
    """Add the routes."""

    def source_called(model: str) -> EngineSource:
        if pool.source is None:
            raise RequestError.not_ready(pool.state)
        if model != pool.source.name:
            raise RequestError.unknown_model(model, pool.source.name)
        return pool.source

    async def live(request: Request) -> Response:
        return json_response({"live": True})

    async def ready(request: Request) -> Response:
        return health_response(pool, {"ready": pool.state == "ready"})

    async def server(request: Request) -> Response:
        classifies = not isinstance(pool.source, TaskSource)
        extensions = [BINARY_EXTENSION, IMAGE_EXTENSION] if classifies else [BINARY_EXTENSION]
        return json_response({"name": "offload-sdk", "version": __version__, "extensions": extensions})

    async def metadata(request: Request) -> Response:
        source = source_called(request.path_params["model"])
        inputs, outputs = _tensors(source.signature)
        return json_response(
            {
                "name": source.name,
                "platform": "tensorflow_lite",
                "inputs": [_facts(facts) for facts in inputs],
                "outputs": [_facts(facts) for facts in outputs],
            }
        )

    async def model_ready(request: Request) -> Response:
        source = source_called(request.path_params["model"])
        return health_response(pool, {"name": source.name, "ready": pool.state == "ready"})

    async def infer(request: Request) -> Response:
        source = source_called(request.path_params["model"])
        header_bytes = _header_bytes(request.headers.get(HEADER_LENGTH_HEADER))
        bound_bytes = min(max_body_bytes, _MOST_JSON_BYTES) if header_bytes is None else max_body_bytes
        signature, top_k = source.signature, context_of(request.scope).top_k

        def task(body: bytes) -> Task[InferenceResult]:
            if isinstance(signature, TensorSignature):
                return TensorTask(body=body, header_bytes=header_bytes, model=source.name, signature=signature)
            return InferenceTask(
                body=body, header_bytes=header_bytes, model=source.name, signature=signature, top_k=top_k
            )

        return await gate.run(
            request,
            lambda: WholeBody(bound_bytes),
            task,
            lambda result, _: Answer(body=result.body, headers=result.headers),
        )

    routes: tuple[tuple[str, str, Callable[..., Any], str, dict[str, Any]], ...] = (
        ("GET", LIVE_PATH, live, "Whether the server runs", LIVE),
        ("GET", READY_PATH, ready, "Whether it takes requests", READY),
        ("GET", SERVER_PATH, server, "The server", SERVER),
        ("GET", _MODEL_PATH, metadata, "The model", MODEL),
        ("GET", f"{_MODEL_PATH}/ready", model_ready, "Whether the model takes requests", MODEL_READY),
        ("POST", f"{_MODEL_PATH}/infer", infer, "Classify tensors or pictures, or run another model", INFER),
    )
    for method, path, endpoint, summary, described in routes:
        app.router.add_api_route(
            path,
            endpoint,
            route_class_override=DirectRoute,
            methods=[method],
            summary=summary,
            tags=["Open Inference Protocol"],
            response_model=None,
            **described,
        )


def _header_bytes(value: str | None) -> int | None:
    if value is None:
        return None
    size_bytes = int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else 0
    if not 0 < size_bytes <= _MOST_JSON_BYTES:
        raise RequestError(
            400, "bad_request", f"{HEADER_LENGTH_HEADER} must be a number of bytes, 1 to {_MOST_JSON_BYTES:,}"
        )
    return size_bytes


def _tensors(signature: Signature | TensorSignature) -> tuple[Sequence[TensorFacts], Sequence[TensorFacts]]:
    if isinstance(signature, TensorSignature):
        return signature.inputs, signature.outputs
    return (input_facts(signature),), output_facts(signature)


def _facts(facts: TensorFacts) -> dict[str, Any]:
    return {"name": facts.name, "datatype": facts.datatype, "shape": facts.shape}
