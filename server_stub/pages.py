"""`/docs` and `/ui/`, with nothing fetched from elsewhere: a device's network may not reach the internet."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.requests import Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from offload_sdk._version import __version__
from offload_sdk.page.files import PageFiles
from server_stub.answers import json_response
from server_stub.settings import ServerSettings

__all__ = ["DOCS_ASSETS_PATH", "DOCS_PATH", "OPENAPI_PATH", "PAGE_PATH", "add_docs", "add_page"]

DOCS_PATH = "/docs"
DOCS_ASSETS_PATH = "/docs/assets"
OPENAPI_PATH = "/openapi.json"
PAGE_PATH = "/ui"


def add_docs(app: FastAPI) -> None:
    """Add Swagger UI, whose files the package fastapi-offline brings. A container may do without its 3 MB; then
    `/docs` leads to the document itself."""
    found = importlib.util.find_spec("fastapi_offline")
    assets = None if found is None or found.origin is None else Path(found.origin).parent / "static"
    if assets is not None:
        app.mount(DOCS_ASSETS_PATH, StaticFiles(directory=assets))

    async def docs(request: Request) -> Response:
        root = request.scope.get("root_path", "")
        if assets is None:
            return RedirectResponse(f"{root}{OPENAPI_PATH}")
        return get_swagger_ui_html(
            openapi_url=f"{root}{OPENAPI_PATH}",
            title=app.title,
            swagger_js_url=f"{root}{DOCS_ASSETS_PATH}/swagger-ui-bundle.js",
            swagger_css_url=f"{root}{DOCS_ASSETS_PATH}/swagger-ui.css",
            swagger_favicon_url=f"{root}{DOCS_ASSETS_PATH}/favicon.png",
        )

    app.add_api_route(DOCS_PATH, docs, methods=["GET"], include_in_schema=False, response_model=None)


def add_page(app: FastAPI, settings: ServerSettings) -> None:
    """Add the web page that the device has too; here it posts to `/analyze`, with a token that its user enters."""
    about = {
        "kind": "server",
        "version": __version__,
        "analyze": "../analyze",  # relative, as a proxy may put a prefix before all paths
        "guarded": bool(settings.tokens) or settings.token_file is not None,
        "max_bytes": settings.max_body_bytes,
    }

    async def tell_about() -> Response:
        return json_response(about, headers={"Cache-Control": "no-store"})

    app.add_api_route(
        f"{PAGE_PATH}/about.json", tell_about, methods=["GET"], include_in_schema=False, response_model=None
    )
    app.mount(PAGE_PATH, PageFiles())
