"""`offload-sdk models list|pull|path`: the models known by name, and the cache of them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from offload_sdk.cli.settings import Json, settings
from offload_sdk.cli.text import bytes_text

__all__ = ["app"]

app = typer.Typer(help="List, fetch and locate models.", no_args_is_help=True, rich_markup_mode=None)

_Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="A model.", show_default="the configured one")]


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the models of the catalogue and which of them are here."""
    for entry in _entries():
        if as_json:
            typer.echo(json.dumps(entry))
            continue
        size = "not here" if entry["bytes"] is None else bytes_text(entry["bytes"])
        chosen = "*" if entry["default"] else " "
        typer.echo(
            f"{chosen} {entry['name']:<26} {entry['input']:<8} {size:>9}  {entry['license']}  {entry['note']}"
        )


@app.command("path")
def path_of(name: _Name = None) -> None:
    """Print the path of a model's file; the offline model is built if needed."""
    config = settings()
    from offload_sdk.model import resolve

    typer.echo(resolve(config.model if name is None else name, config.models_dir).path)


def _entries() -> list[dict[str, Any]]:
    config = settings()
    from offload_sdk.model import CATALOGUE, model_path

    paths = {name: model_path(name, config.models_dir) for name in CATALOGUE}
    default = config.model
    if default == "auto":
        here = paths["mobilenet_v3_large"].is_file()
        default = "mobilenet_v3_large" if here else "efficientnet_lite0"
    return [
        {
            "name": entry.name,
            "default": entry.name == default,
            "path": str(paths[entry.name]),
            "bytes": paths[entry.name].stat().st_size if paths[entry.name].is_file() else None,
            "input": entry.dtype,
            "license": entry.license,
            "note": entry.note,
        }
        for entry in CATALOGUE.values()
    ]
