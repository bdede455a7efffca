"""`offload-sdk models list|pull|path`: the models known by name, and the cache of them."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from offload_sdk.cli.progress import progress_bar
from offload_sdk.cli.settings import Json, settings
from offload_sdk.cli.text import bytes_text
from offload_sdk.errors import ConfigurationError

__all__ = ["app"]

_PREFERRED, _OFFLINE = "mobilenet_v3_large", "efficientnet_lite0"

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


@app.command("pull")
def pull(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A model.", show_default="mobilenet_v3_large")
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option("--mirror", metavar="URL", envvar="OFFLOAD_MODEL_MIRROR", help="Fetch from this folder."),
    ] = None,
) -> None:
    """Fetch a model into the cache, or build the offline one; prints its path.

    A download that broke off is continued, and nothing is used before its checksum has been verified.
    """
    config = settings()
    from offload_sdk.model import CATALOGUE, model_path, resolve
    from offload_sdk.model.fetch import DEFAULT_BASE_URL, fetch

    name = name or _PREFERRED
    entry = CATALOGUE.get(name)
    if entry is None:
        raise ConfigurationError(f"there is no model called {name!r}; one of: {', '.join(CATALOGUE)}")
    path = model_path(name, config.models_dir)
    if not path.is_file():
        if entry.url is None:
            path = resolve(name, config.models_dir).path
        else:
            with progress_bar(name) as tell:
                path = fetch(
                    entry,
                    config.models_dir,
                    base_url=mirror or DEFAULT_BASE_URL,
                    progress=lambda done, total: tell(
                        f"{name}, {bytes_text(done)}", done / total if total else 0.0
                    ),
                )
    typer.echo(path)


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
        default = _PREFERRED if paths[_PREFERRED].is_file() else _OFFLINE
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
