"""Whether the server can take requests, said alike by every protocol, and `/` itself.

That it is alive, which is less, is the Open Inference Protocol's `/v2/health/live`: 200 as it loads or drains too.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from starlette.responses import Response

from offload_sdk._version import __version__
from offload_sdk.wire import HEALTH_PATH
from server_stub.answers import json_response
from server_stub.engine import TaskSource
from server_stub.pool import Pool
from server_stub.schema import HEALTH_RESPONSES

__all__ = ["add_health", "health_response"]


def health_response(pool: Pool, document: dict[str, Any]) -> Response:
    """Return the document with 200 if the pool takes requests, else with 503."""
    if pool.state == "ready":
        return json_response(document)
    return json_response(document, status=503, headers={"Retry-After": "2"})


def add_health(app: FastAPI, pool: Pool) -> None:
    """Add `/`."""

    async def health() -> Response:
        document: dict[str, Any] = {
            "status": "ok" if pool.state == "ready" else pool.state,
            "model_loaded": pool.loaded,
            "model": pool.model,
            "version": __version__,
        }
        if isinstance(pool.source, TaskSource):
            document["task"] = pool.source.task
        return health_response(pool, document)

    app.add_api_route(
        HEALTH_PATH, health, methods=["GET"], summary="Health", responses=HEALTH_RESPONSES, response_model=None
    )
    app.add_api_route(HEALTH_PATH, health, methods=["HEAD"], include_in_schema=False, response_model=None)
