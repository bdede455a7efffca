"""Whether the server can take requests, said alike by every protocol. No routes."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from server_stub.answers import json_response
from server_stub.pool import Pool

__all__ = ["health_response"]


def health_response(pool: Pool, document: dict[str, Any]) -> Response:
    """Return the document with 200 if the pool takes requests, else with 503."""
    if pool.state == "ready":
        return json_response(document)
    return json_response(document, status=503, headers={"Retry-After": "2"})
