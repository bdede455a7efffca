"""The shapes of the Open Inference Protocol for the OpenAPI document. Nothing is validated with them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from offload_sdk.wire import REQUEST_ID_HEADER, SERVER_TIMING_HEADER
from offload_sdk.wire_open_inference import DATATYPES, HEADER_LENGTH_HEADER, MOST_TENSORS
from server_stub.schema import ANALYZE_EXTRA

__all__ = ["INFER", "LIVE", "MODEL", "MODEL_READY", "READY", "SERVER"]


class Live(BaseModel):
    live: bool


class Ready(BaseModel):
    ready: bool


class ModelReady(BaseModel):
    name: str
    ready: bool


class Server(BaseModel):
    name: str
    version: str
    extensions: list[str]


class Facts(BaseModel):
    name: str
    datatype: str
    shape: list[int] = Field(description="-1 where any size is taken")


class Model(BaseModel):
    name: str
    platform: str
    inputs: list[Facts]
    outputs: list[Facts]


class OutputTensor(BaseModel):
    name: str
    datatype: str
    shape: list[int]
    data: list[float | str] | None = Field(None, description="absent where it follows as raw bytes")


class InferAnswer(BaseModel):
    id: str | None = Field(None, description="the request's")
    model_name: str
    outputs: list[OutputTensor]


class ProtocolError(BaseModel):
    error: str


_ID = {REQUEST_ID_HEADER: {"description": "the id in the server's log", "schema": {"type": "string"}}}
_RETRY = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
_CHALLENGE = {"WWW-Authenticate": {"schema": {"type": "string"}}}
_NAME = {"name": "model", "in": "path", "required": True, "schema": {"type": "string"}}


def _answer(model: type[BaseModel], description: str, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"model": model, "description": description, "headers": {**_ID, **(headers or {})}}


_REFUSED = {
    401: _answer(ProtocolError, "the token is missing or wrong", _CHALLENGE),
    429: _answer(ProtocolError, "too many requests from this client", _RETRY),
}
_UNKNOWN = {404: _answer(ProtocolError, "this server has another model")}

LIVE: dict[str, Any] = {"responses": {200: _answer(Live, "the server runs")}}
READY: dict[str, Any] = {
    "responses": {
        200: _answer(Ready, "the model is loaded"),
        503: _answer(Ready, "loading, draining, or failed to load", _RETRY),
    }
}
SERVER: dict[str, Any] = {"responses": {200: _answer(Server, "the server and its extensions"), **_REFUSED}}
MODEL: dict[str, Any] = {
    "responses": {
        200: _answer(Model, "the model's tensors"),
        503: _answer(ProtocolError, "no model is loaded", _RETRY),
        **_UNKNOWN,
        **_REFUSED,
    },
    "openapi_extra": {"parameters": [_NAME]},
}
MODEL_READY: dict[str, Any] = {
    "responses": {
        200: _answer(ModelReady, "the model is loaded"),
        503: _answer(ProtocolError, "no model is loaded, or the server is draining", _RETRY),
        **_UNKNOWN,
        **_REFUSED,
    },
    "openapi_extra": {"parameters": [_NAME]},
}
INFER: dict[str, Any] = {
    "responses": {
        200: _answer(InferAnswer, "the outputs", {SERVER_TIMING_HEADER: {"schema": {"type": "string"}}}),
        400: _answer(ProtocolError, "malformed, another tensor than the model's, or an undecodable picture"),
        408: _answer(ProtocolError, "the body arrived too slowly"),
        413: _answer(ProtocolError, "too many bytes or pixels"),
        415: _answer(ProtocolError, "the body is compressed"),
        500: _answer(ProtocolError, "the server failed"),
        503: _answer(ProtocolError, "overloaded, loading or draining", _RETRY),
        504: _answer(ProtocolError, "the deadline cannot be met"),
        **_UNKNOWN,
        **_REFUSED,
    },
    "openapi_extra": {
        "parameters": [
            _NAME,
            {
                "name": HEADER_LENGTH_HEADER,
                "in": "header",
                "required": False,
                "description": "bytes of JSON that stand before the raw tensors",
                "schema": {"type": "integer", "minimum": 1},
            },
            *ANALYZE_EXTRA["parameters"],
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["inputs"],
                        "properties": {
                            "id": {"type": "string"},
                            "inputs": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": MOST_TENSORS,
                                "description": "a classifier has one, called `input`; others as metadata tell",
                                "items": {
                                    "type": "object",
                                    "required": ["name", "shape", "datatype", "data"],
                                    "properties": {
                                        "name": {"type": "string", "examples": ["input"]},
                                        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                                        "datatype": {"type": "string", "enum": [*DATATYPES, "BYTES"]},
                                        "data": {"type": "array"},
                                    },
                                },
                            },
                            "outputs": {
                                "type": "array",
                                "items": {
                                    "type": "object",
                                    "required": ["name"],
                                    "properties": {"name": {"type": "string"}},
                                },
                            },
                        },
                    }
                }
            },
        },
    },
}
