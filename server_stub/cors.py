"""What web pages of other origins may ask of the server (the Fetch standard's CORS). No route, no settings."""

from __future__ import annotations

from fastapi.middleware.cors import CORSMiddleware
from starlette.datastructures import Headers
from starlette.responses import Response

from server_stub.answers import problem_response
from server_stub.problems import RequestError

__all__ = ["Cors"]


class Cors(CORSMiddleware):
    """Starlette's, but a refusal has the contract's shape like every other error."""

    def preflight_response(self, request_headers: Headers) -> Response:
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:
            return answer
        kept = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
        why = bytes(answer.body).decode()
        return problem_response(RequestError(answer.status_code, "cors_refused", why, headers=kept), "")
