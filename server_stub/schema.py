"""The shapes of the HTTP contract for the OpenAPI document. Nothing is validated with them at run time."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from offload_sdk.digest import DIGEST_HEADER
from offload_sdk.wire import (
    BATTERY_HEADER,
    DEADLINE_HEADER,
    DEFAULT_TOP_K,
    IMAGE_FIELD,
    MAX_TOP_K,
    REQUEST_ID_HEADER,
    SERVER_TIMING_HEADER,
    SIGNAL_HEADER,
    TOP_K_HEADER,
    TRACE_HEADER,
)

__all__ = [
    "ANALYZE_EXTRA",
    "ANALYZE_RESPONSES",
    "HEALTH_RESPONSES",
    "METRICS_RESPONSES",
    "AnalyzeAnswer",
    "DetectionAnswer",
    "ErrorAnswer",
    "Health",
    "MaskAnswer",
]


class Health(BaseModel):
    status: str = Field(description="`ok`, `loading`, `draining` or `failed`")
    model_loaded: bool
    model: str | None
    version: str
    task: str | None = Field(None, description="what the model does, if it is no classifier")


class Prediction(BaseModel):
    label: str
    probability: float = Field(ge=0, le=1)
    index: int = Field(ge=0, description="the class in ImageNet order, background removed")


class AnalyzeAnswer(BaseModel):
    predictions: list[Prediction] = Field(description="best first")
    model: str
    request_id: str


class Found(Prediction):
    box: list[float] = Field(
        min_length=4, max_length=4, description="left, top, right, bottom as shares of the upright picture's sides"
    )


class DetectionAnswer(BaseModel):
    detections: list[Found] = Field(description="best first")
    model: str
    request_id: str


class MaskFields(BaseModel):
    labels: list[str]
    png: str = Field(description="in base64, in greys: the value is the place of the class in `labels`")


class MaskAnswer(BaseModel):
    mask: MaskFields
    model: str
    request_id: str


class ErrorDetail(BaseModel):
    code: str
    message: str


class ErrorAnswer(BaseModel):
    error: ErrorDetail


_ID = {
    REQUEST_ID_HEADER: {"description": "the request's id, made up if none was sent", "schema": {"type": "string"}}
}
_SEALED = {
    **_ID,
    DIGEST_HEADER: {"description": "of the body, sha-256 (RFC 9530)", "schema": {"type": "string"}},
}
_RETRY = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}


def _error(description: str, headers: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"model": ErrorAnswer, "description": description, "headers": {**_SEALED, **(headers or {})}}


def _header(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


HEALTH_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"model": Health, "description": "the model is loaded", "headers": _SEALED},
    503: {
        "model": Health,
        "description": "loading, draining, or failed to load",
        "headers": {**_SEALED, **_RETRY},
    },
}

METRICS_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "all metrics in Prometheus' text format",
        "content": {"text/plain": {"schema": {"type": "string"}}},
        "headers": _ID,
    },
    401: _error("the token is missing or wrong", {"WWW-Authenticate": {"schema": {"type": "string"}}}),
    429: _error("this client sends more than its share", _RETRY),
}

ANALYZE_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "model": AnalyzeAnswer | DetectionAnswer | MaskAnswer,
        "description": "the classes; or what a detector found; or the class of each place, by a segmenter",
        "headers": {
            **_SEALED,
            SERVER_TIMING_HEADER: {
                "description": "`queue`, `decode` and `infer`, each with `dur` in milliseconds",
                "schema": {"type": "string"},
            },
        },
    },
    400: _error("no image, an undecodable image, a malformed form, or a body that is not what its digest says"),
    401: _error("the token is missing or wrong", {"WWW-Authenticate": {"schema": {"type": "string"}}}),
    408: _error("the body arrived too slowly"),
    413: _error("too many bytes or pixels"),
    415: _error("the body is not multipart/form-data"),
    429: _error("this client sends more than its share", _RETRY),
    500: _error("the server failed"),
    501: _error("the model takes tensors only, at /v2"),
    503: _error("overloaded, loading or draining", _RETRY),
    504: _error("the deadline cannot be met"),
}

ANALYZE_EXTRA: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [IMAGE_FIELD],
                    "properties": {IMAGE_FIELD: {"type": "string", "format": "binary"}},
                }
            }
        },
    },
    "parameters": [
        _header(
            REQUEST_ID_HEADER,
            "an id of the caller's own; the same request that comes again under it gets the same answer",
            {"type": "string", "maxLength": 128},
        ),
        _header(DEADLINE_HEADER, "seconds left until the answer is useless", {"type": "number"}),
        _header(BATTERY_HEADER, "charge of the device, 0..1", {"type": "number", "minimum": 0, "maximum": 1}),
        _header(SIGNAL_HEADER, "level of its radio link in dBm", {"type": "number"}),
        _header(DIGEST_HEADER, "of the body, sha-256 or sha-512 (RFC 9530): it is checked", {"type": "string"}),
        _header(TRACE_HEADER, "where the caller stands in a trace (W3C Trace Context)", {"type": "string"}),
        _header(
            TOP_K_HEADER,
            "how many classes to return",
            {"type": "integer", "minimum": 1, "maximum": MAX_TOP_K, "default": DEFAULT_TOP_K},
        ),
    ],
}
