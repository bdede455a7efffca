"""The routes of the page on a device: its files, and what its script asks for. Classifies nothing itself."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from offload_sdk._version import __version__
from offload_sdk.errors import DeadlineExceededError, InvalidImageError, OffloadError, RemoteError
from offload_sdk.page.files import PageFiles
from offload_sdk.ui.desk import BusyError, Desk
from offload_sdk.ui.steered import WAYS, Way

__all__ = ["create_app"]

_ANYWHERE = "'self' http: https:"  # the user may name any server to post to directly
_AT_ONCE = 4  # pictures that arrive, wait or are worked on
_BODY_S = 60.0  # the page gives up after this time too
_MEDIA_TYPE = "application/octet-stream"  # no form can send it, so no other site's page without asking first


class _RequestError(Exception):
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def create_app(desk: Desk, *, body_s: float = _BODY_S) -> Starlette:
    """Return the application, which waits `body_s` for a picture to arrive.

    Errors are JSON, `{"error": {"code", "message"}}`, as the server's are.
    """
    config = desk.config
    places = asyncio.Semaphore(_AT_ONCE)
    about = {
        "kind": "device",
        "version": __version__,
        "policy": config.policy,
        "local": config.local,
        "endpoints": [endpoint.name for endpoint in config.all_endpoints],
        "direct": config.redact is None,  # what the browser posts goes round the hook
        "max_bytes": config.limits.max_image_bytes,
    }

    async def tell_about(request: Request) -> Response:
        return _json(about)

    async def classify(request: Request) -> Response:
        wanted = _way(request)
        if places.locked():
            raise BusyError
        async with places:
            try:
                body = await asyncio.wait_for(_body(request, config.limits.max_image_bytes), body_s)
            except asyncio.TimeoutError:
                raise _RequestError(408, "request_timeout", "the picture came too slowly") from None
            return _json(await desk.classify(body, wanted))

    async def state(request: Request) -> Response:
        return _json(await desk.state(_since(request)))

    return Starlette(
        routes=[
            Route("/about.json", tell_about),
            Route("/api/classify", classify, methods=["POST"]),
            Route("/api/state", state),
            Mount("/", PageFiles(connect=_ANYWHERE) if about["direct"] else PageFiles()),
        ],
        exception_handlers={
            _RequestError: _on_request_error,
            BusyError: _on_busy,
            OffloadError: _on_offload_error,
            ClientDisconnect: _on_disconnect,
        },
    )


def _way(request: Request) -> Way:
    given = request.query_params.get("way", "auto")
    for known in WAYS:
        if known == given:
            return known
    raise _RequestError(400, "bad_request", f"way must be one of {', '.join(WAYS)}")


def _since(request: Request) -> int:
    given = request.query_params.get("since", "0")
    if not given.isascii() or not given.isdigit() or len(given) > 18:
        raise _RequestError(400, "bad_request", "since must be a whole number")
    return int(given)


async def _body(request: Request, limit_bytes: int) -> bytes:
    """Return the picture; one that is too large is refused before more of it is taken."""
    if request.headers.get("content-type") != _MEDIA_TYPE:
        raise _RequestError(415, "unsupported_media_type", f"send the picture's bytes as {_MEDIA_TYPE}")
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit_bytes:
        raise _too_large(limit_bytes)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_bytes:
            raise _too_large(limit_bytes)
    return bytes(body)


def _too_large(limit_bytes: int) -> _RequestError:
    return _RequestError(413, "too_large", f"the picture exceeds {limit_bytes:,} bytes; choose a smaller one")


def _json(document: Any, *, status: int = 200) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "Cross-Origin-Resource-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    body = json.dumps(document, separators=(",", ":"), allow_nan=False)
    return Response(body, status_code=status, headers=headers, media_type="application/json")


def _problem(status: int, code: str, message: str) -> Response:
    return _json({"error": {"code": code, "message": message}}, status=status)


async def _on_request_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, _RequestError)
    return _problem(error.status, error.code, str(error))


async def _on_busy(request: Request, error: Exception) -> Response:
    return _problem(503, "busy", "many pictures are waiting already; try again in a moment")


async def _on_disconnect(request: Request, error: Exception) -> Response:
    return Response(status_code=400)  # nobody reads it


async def _on_offload_error(request: Request, error: Exception) -> Response:
    kinds: tuple[tuple[type[Exception], int, str], ...] = (
        (InvalidImageError, 400, "invalid_image"),
        (DeadlineExceededError, 504, "deadline_exceeded"),
        (RemoteError, 502, "no_answer"),
    )
    for kind, status, code in kinds:
        if isinstance(error, kind):
            return _problem(status, code, str(error))
    return _problem(500, "failed", str(error))
