"""`offload-sdk serve`: the classification server on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from offload_sdk.cli.settings import Model, settings
from offload_sdk.errors import ConfigurationError

__all__ = ["serve"]

_NEEDED = frozenset(("fastapi", "uvicorn", "starlette", "multipart", "python_multipart", "anyio"))


def serve(
    host: Annotated[str, typer.Option("--host", help="0.0.0.0 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8080,
    model: Model = None,
    token: Annotated[
        list[str] | None,
        typer.Option(
            "--token",
            metavar="TEXT",
            help="Ask clients for this token; may be given several times. Better set OFFLOAD_TOKEN (several "
            "separated by commas), which other users of the machine cannot read off the process list.",
        ),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="Hashes of the clients' tokens, read again when it changes; `python -m server_stub.add_token "
            "FILE NAME` makes one.",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", help="Requests a second that one client may send.", show_default="any number"),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, max=256, help="Interpreters side by side.", show_default="one per core"),
    ] = None,
) -> None:
    """Serve classifications over HTTP until Ctrl-C or SIGTERM."""
    config = settings(model=model)
    try:
        from server_stub.run import serve as run
        from server_stub.settings import ServerSettings
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        raise ConfigurationError(
            f"the server needs {error.name}, which is not installed: pip install 'offload-sdk[server]'"
        ) from None
    if token is None:
        configured = "" if config.token is None else config.token.get_secret_value()
        token = [part for part in (part.strip() for part in configured.split(",")) if part]
    wanted = ServerSettings() if workers is None else ServerSettings(workers=workers)
    run(
        replace(
            wanted,
            host=host,
            port=port,
            model=config.model,
            models_dir=config.models_dir,
            tokens=tuple(token),
            token_file=token_file,
            rate_per_s=rate,
        )
    )
