"""`/docs`, with nothing fetched from elsewhere: a device's network may not reach the internet."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.requests import Request
from fastapi.responses import RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

__all__ = ["DOCS_ASSETS_PATH", "DOCS_PATH", "OPENAPI_PATH", "add_docs"]

DOCS_PATH = "/docs"
DOCS_ASSETS_PATH = "/docs/assets"
OPENAPI_PATH = "/openapi.json"


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
