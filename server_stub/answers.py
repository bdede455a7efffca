"""Responses of the two protocols. Decides nothing, logs nothing."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from offload_sdk.wire import error_body
from offload_sdk.wire_open_inference import SERVER_PATH
from server_stub.problems import RequestError

__all__ = ["json_response", "problem_response"]


def json_response(document: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def problem_response(problem: RequestError, path: str) -> Response:
    """Return the error as whoever asked for this path expects it."""
    document = error_body(problem.code, problem.message)
    if path == SERVER_PATH or path.startswith(f"{SERVER_PATH}/"):
        document = {"error": problem.message}
    return json_response(document, status=problem.status, headers=problem.headers)
