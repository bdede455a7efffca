"""The settings from command line and environment, alike for `python -m server_stub` and `offload-sdk serve`.

Every field of `ServerSettings` becomes an option and a variable by its name and type; here is no list of them.
"""

from __future__ import annotations

import argparse
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from offload_sdk.errors import ConfigurationError
from server_stub.settings import ServerSettings

__all__ = ["PREFIX", "read_settings", "settings_of_the_sdk"]

PREFIX = "OFFLOAD_SERVER_"
_SWITCHES = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


def read_settings(
    arguments: Sequence[str] | None,
    environment: Mapping[str, str],
    *,
    prog: str,
    inherited: Mapping[str, Any] | None = None,
) -> ServerSettings:
    """Return what the options say, else the variables, else `inherited`, else the defaults.

    A variable that is set but empty counts as unset, as containers have it. Raises `ConfigurationError`; ends the
    process with status 2 for an option that does not exist or is no number, and with 0 for `--help`.
    """
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Serve classifications over HTTP until Ctrl-C or SIGTERM.",
        epilog=f"Each option is also a variable: --queue-bound is {PREFIX}QUEUE_BOUND; there, several values "
        "are separated by commas. docs/server.md says more.",
        allow_abbrev=False,
    )
    hints = get_type_hints(ServerSettings)
    values = {"telemetry": traces_wanted(environment), **(inherited or {})}
    for each in fields(ServerSettings):
        _add_option(parser, each, hints[each.name])
        text = environment.get(PREFIX + each.name.upper(), "").strip()
        if text:
            values[each.name] = _from_text(PREFIX + each.name.upper(), text, hints[each.name])
    values.update(vars(parser.parse_args(arguments)))
    frozen: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return ServerSettings(**frozen)


def settings_of_the_sdk(environment: Mapping[str, str]) -> dict[str, Any]:
    """`OFFLOAD_TOKEN`, `OFFLOAD_MODEL` and `OFFLOAD_HOME` as what they mean for a server."""
    values: dict[str, Any] = {}
    if model := environment.get("OFFLOAD_MODEL"):
        values["model"] = model
    if home := environment.get("OFFLOAD_HOME"):
        values["models_dir"] = Path(home).expanduser() / "models"
    if tokens := environment.get("OFFLOAD_TOKEN"):
        values["tokens"] = tuple(token for token in map(str.strip, tokens.split(",")) if token)
    return values


def variables() -> frozenset[str]:
    """Return the names of all variables."""
    return frozenset(PREFIX + each.name.upper() for each in fields(ServerSettings))


def traces_wanted(environment: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's own variables name a place to send spans to."""
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if exporter == "none" or environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    return exporter == "otlp" or any(
        environment.get(f"OTEL_EXPORTER_OTLP_{name}") for name in ("ENDPOINT", "TRACES_ENDPOINT")
    )


def _add_option(parser: argparse.ArgumentParser, each: Field[Any], hint: Any) -> None:
    kind = _kind(hint)
    name = each.name.replace("_", "-")
    details: dict[str, Any] = {"dest": each.name, "default": argparse.SUPPRESS, "help": _help(each)}
    if kind is bool:
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, **details)
    elif get_origin(kind) is tuple:
        details["help"] += "; may be given several times"
        parser.add_argument(f"--{_singular(name)}", action="append", metavar="TEXT", **details)
    elif get_origin(kind) is Literal:
        parser.add_argument(f"--{name}", choices=get_args(kind), **details)
    else:
        metavar = {int: "N", float: "X", Path: "PATH"}.get(kind, "TEXT")
        parser.add_argument(f"--{name}", type=kind, metavar=metavar, **details)


def _singular(name: str) -> str:
    return f"{name.removesuffix('ies')}y" if name.endswith("ies") else name.removesuffix("s")


def _help(each: Field[Any]) -> str:
    meaning = str(each.metadata["meaning"]).replace("%", "%%")
    shown = each.default is not MISSING and each.default is not None and each.default != ()
    return f"{meaning} (default: {each.default})" if shown else meaning


def _kind(hint: Any) -> Any:
    """The type without its None."""
    if get_origin(hint) in (Union, types.UnionType):
        (hint,) = (part for part in get_args(hint) if part is not type(None))
    return hint


def _from_text(name: str, text: str, hint: Any) -> Any:
    kind = _kind(hint)
    if get_origin(kind) is tuple:
        return tuple(part for part in map(str.strip, text.split(",")) if part)
    if get_origin(kind) is Literal:
        return _one_of(name, text, {choice: choice for choice in get_args(kind)})
    if kind is bool:
        return _one_of(name, text.lower(), _SWITCHES)
    make: Callable[[str], Any] = kind
    try:
        return make(text)
    except ValueError:
        wanted = {int: "a whole number", float: "a number"}.get(kind, kind.__name__)
        raise ConfigurationError(f"{name} is {text!r}; it must be {wanted}") from None


def _one_of(name: str, text: str, choices: Mapping[str, Any]) -> Any:
    if text not in choices:
        raise ConfigurationError(f"{name} is {text!r}; it must be one of {', '.join(choices)}")
    return choices[text]
