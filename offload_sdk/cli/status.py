"""`offload-sdk status`: the model, the device, the endpoints and the log as the SDK sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from offload_sdk.cli.settings import Json, Model, Server, settings
from offload_sdk.cli.text import value_text

__all__ = ["lines", "status"]

_NOTHING_IS_GOOD = ("last_error", "unavailable")


def status(as_json: Json = False, server: Server = None, model: Model = None) -> None:
    """Show the model, the device, the endpoints and the log."""
    config = settings(server=server, model=model)
    from offload_sdk._offloader import Offloader

    with Offloader(config) as offloader:
        found = offloader.status()
    if as_json:
        typer.echo(json.dumps(found))
    else:
        for line in lines(found):
            typer.echo(line)


def lines(found: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Yield the nested values as indented lines; a list of groups is shown by the groups' names."""
    width = max((len(_words(name)) for name, value in found.items() if _is_plain(value)), default=0)
    for name, value in found.items():
        if isinstance(value, Mapping):
            yield f"{indent}{_words(name)}:"
            yield from lines(value, indent + "  ")
        elif isinstance(value, list | tuple) and not _is_plain(value):
            for entry in value:
                title = entry.get("name", "")
                yield f"{indent}{_words(name).removesuffix('s')} {title}:"
                yield from lines({k: v for k, v in entry.items() if k != "name"}, indent + "  ")
        elif isinstance(value, list | tuple):
            yield f"{indent}{_words(name):<{width}}  {', '.join(map(str, value)) or 'none'}"
        else:
            none = value is None and name in _NOTHING_IS_GOOD
            yield f"{indent}{_words(name):<{width}}  {'none' if none else value_text(name, value)}"


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return not any(isinstance(entry, Mapping) for entry in value)
    return not isinstance(value, Mapping)


def _words(name: str) -> str:
    """A name without its unit, which the value carries."""
    for suffix in ("_bytes_per_s", "_frac", "_dbm", "_usd", "_bytes", "_s", "_c", "_w", "_j"):
        if name.endswith(suffix) and name != suffix:
            name = name.removesuffix(suffix)
            break
    return name.replace("_", " ")
