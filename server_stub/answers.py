"""Answers of the two protocols, and the responses that they are sent in. Decides nothing, logs nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from offload_sdk.digest import DIGEST_HEADER, format_digest
from offload_sdk.wire import error_body
from offload_sdk.wire_open_inference import SERVER_PATH
from server_stub.problems import RequestError

__all__ = ["Answer", "json_answer", "json_response", "problem_response", "sealed_response"]

_JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is the same however often it is sent: a body, and the headers that say how to read it."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": _JSON})


def json_answer(document: Any) -> Answer:
    return Answer(body=json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8"))


def sealed_response(answer: Answer, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer with its body's digest and further headers."""
    sealed = {**answer.headers, **(headers or {}), DIGEST_HEADER: format_digest(answer.body)}
    return Response(answer.body, status_code=status, headers=sealed)


def json_response(document: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return sealed_response(json_answer(document), status=status, headers=headers)


def problem_response(problem: RequestError, path: str) -> Response:
    """Return the error as whoever asked for this path expects it."""
    document = error_body(problem.code, problem.message)
    if path == SERVER_PATH or path.startswith(f"{SERVER_PATH}/"):
        document = {"error": problem.message}
    return json_response(document, status=problem.status, headers=problem.headers)
