"""`offload-sdk serve`: the classification server on this machine, by the server's own options."""

from __future__ import annotations

import os

import typer

from offload_sdk.cli.settings import settings
from offload_sdk.errors import ConfigurationError

__all__ = ["serve"]

_NEEDED = frozenset(
    ("fastapi", "uvicorn", "starlette", "multipart", "python_multipart", "anyio", "prometheus_client")
)


def serve(context: typer.Context) -> None:
    """Serve classifications over HTTP until Ctrl-C or SIGTERM."""
    from server_stub.options import read_settings

    config = settings()
    tokens = "" if config.token is None else config.token.get_secret_value()
    chosen = read_settings(
        context.args,
        os.environ,
        prog="offload-sdk serve",
        inherited={
            "model": config.model,
            "models_dir": config.models_dir,
            "tokens": tuple(token for token in map(str.strip, tokens.split(",")) if token),
        },
    )
    try:
        from server_stub.run import serve as run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _NEEDED:
            raise
        raise ConfigurationError(
            f"the server needs {error.name}, which is not installed: pip install 'offload-sdk[server]'"
        ) from None
    run(chosen)
