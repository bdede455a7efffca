"""`offload-sdk ui`: the web page on this device."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from offload_sdk.cli.settings import Model, Server, settings
from offload_sdk.errors import ConfigurationError

__all__ = ["ui"]

_NEEDED = frozenset(("starlette", "uvicorn"))


def ui(
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; 0.0.0.0 lets phones in, by a token.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 8000,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = False,
    server: Server = None,
    model: Model = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate: serve by HTTPS.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="Its private key.")] = None,
) -> None:
    """Serve a web page that classifies pictures on this device, until Ctrl-C."""
    try:
        from offload_sdk.ui.run import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        raise ConfigurationError(
            f"the page needs {error.name}, which is not installed: pip install 'offload-sdk[ui]'"
        ) from None
    from offload_sdk.ui.settings import UiSettings

    serve(
        settings(server=server, model=model),
        UiSettings(host=host, port=port, tls_cert=tls_cert, tls_key=tls_key),
        announce=lambda line: typer.echo(line, err=True),
        warn=lambda line: typer.echo(f"warning: {line}", err=True),
        show=_open if open_browser else None,
    )


def _open(url: str) -> None:
    import threading
    import webbrowser

    def open_it() -> None:
        if not webbrowser.open(url):
            typer.echo("warning: no browser was found to open it with", err=True)

    threading.Thread(target=open_it, daemon=True).start()  # a browser of the terminal would hold up the server
