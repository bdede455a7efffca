"""The page's files as an ASGI application, to be mounted where the page shall be. Loads Starlette."""

from __future__ import annotations

from pathlib import PurePath

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from offload_sdk.page import FOLDER, page_headers

__all__ = ["PageFiles"]

# Not left to the machine's own table of types: a script of another type would not be run.
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class PageFiles(StaticFiles):
    """`index.html` for the folder itself, then the files by name; every answer with the page's headers."""

    def __init__(self, *, connect: str = "'self'") -> None:
        super().__init__(directory=FOLDER, html=True)
        self._headers = page_headers(connect=connect)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(self._headers)
        kind = _TYPES.get(PurePath(getattr(response, "path", "")).suffix)
        if kind is not None:
            response.headers["Content-Type"] = kind
        return response
