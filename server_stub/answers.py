"""Responses of the two protocols. Decides nothing, logs nothing."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from offload_sdk.digest import DIGEST_HEADER, format_digest
from offload_sdk.wire import error_body
from offload_sdk.wire_open_inference import SERVER_PATH
from server_stub.problems import RequestError

__all__ = ["json_response", "problem_response", "sealed_response"]


def sealed_response(body: bytes, *, status: int = 200, headers: dict[str, str]) -> Response:
    """Return a response with its body's digest; `headers` name the media type."""
    return Response(body, status_code=status, headers={**headers, DIGEST_HEADER: format_digest(body)})


def json_response(document: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return sealed_response(body, status=status, headers={"Content-Type": "application/json", **(headers or {})})


def problem_response(problem: RequestError, path: str) -> Response:
    """Return the error as whoever asked for this path expects it."""
    document = error_body(problem.code, problem.message)
    if path == SERVER_PATH or path.startswith(f"{SERVER_PATH}/"):
        document = {"error": problem.message}
    return json_response(document, status=problem.status, headers=problem.headers)
