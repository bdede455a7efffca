"""The options that several commands share, and the settings they end in. Loads pydantic only when called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from offload_sdk._config import OffloadConfig

__all__ = ["Json", "Model", "Server", "settings"]

Json = Annotated[bool, typer.Option("--json", help="Print JSON, one object a line.")]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME|FILE", help="A model of the catalogue, or a .tflite file."),
]
Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="Use this server instead of the configured ones."),
]


def settings(*, server: str | None = None, **values: Any) -> OffloadConfig:
    """Return the configuration with the given values over it; None leaves a setting as it is.

    Raises `ConfigurationError`.
    """
    from offload_sdk._config import OffloadConfig

    given = {name: value for name, value in values.items() if value is not None}
    if server is not None:
        given |= {"server_url": server, "endpoints": (), "plan": None}
    return OffloadConfig(**given)
