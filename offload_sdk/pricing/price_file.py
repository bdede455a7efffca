"""Reads price files: the shipped one, and a user's rows over it. The only I/O of this package; no arithmetic
but putting a platform's hour together."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from offload_sdk.errors import ConfigurationError
from offload_sdk.pricing.figure import Figure
from offload_sdk.pricing.platform import Platform, PlatformKind, Terms
from offload_sdk.pricing.price_list import PriceList

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["read_prices", "read_shipped"]

_Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Text = Annotated[str, Field(min_length=1)]

_DIVISORS = ("lcu-connections-per-s", "lcu-gb-per-hour")


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class _FigureRow(_Row):
    value: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    unit: _Text
    source: _Text
    checked: Annotated[str, Field(pattern=r"^\d{4}(-\d\d){0,2}$")]
    region: _Text | None = None
    assumption: bool = False
    best_case: bool = False


class _PlatformRow(_Row):
    """The names are rows of the figures: a price of the hour, or prices of its parts; and what changes it."""

    title: _Text
    kind: PlatformKind
    vcpus: _Positive
    memory_gb: _Positive
    per_h: str | None = None
    per_vcpu_h: str | None = None
    per_gb_h: str | None = None
    discount: str | None = None
    minimum: str
    start: str
    baseline: str | None = None
    surplus_per_vcpu_h: str | None = None
    terms: Terms = "on-demand"
    aliases: tuple[_Text, ...] = ()


class _Document(_Row):
    schema_version: Literal[1] = 1
    figures: dict[str, _FigureRow] = {}
    platforms: dict[str, _PlatformRow] = {}


def read_shipped() -> PriceList:
    """Return the shipped price list."""
    text = files("offload_sdk.pricing").joinpath("prices.toml").read_text("utf-8")
    return _price_list(tomllib.loads(text), "prices.toml")


def read_prices(path: Path) -> PriceList:
    """Return the shipped price list with the rows of a user's file over it.

    A row of a figure needs its `value` only, if the list has the figure; its source is then the file.

    Raises:
        ConfigurationError: the file cannot be read, or a row of it is wrong; the message names the row.
    """
    try:
        with path.open("rb") as stream:
            own = tomllib.load(stream)
    except OSError as error:
        raise ConfigurationError(f"the prices {path} cannot be read ({error.strerror or error})") from None
    except ValueError as error:  # not UTF-8, or not TOML
        raise ConfigurationError(f"the prices {path} are no TOML: {error}") from None
    shipped = tomllib.loads(files("offload_sdk.pricing").joinpath("prices.toml").read_text("utf-8"))
    return _price_list(_over(shipped, own, str(path)), str(path))


def _over(shipped: dict[str, Any], own: dict[str, Any], source: str) -> dict[str, Any]:
    """Return the shipped document with the rows of another laid over it, key by key."""
    merged = {**shipped, **own}
    for part in ("figures", "platforms"):
        rows = own.get(part, {})
        if not isinstance(rows, dict):
            continue  # the schema says what is wrong with it
        merged[part] = dict(shipped[part])
        for name, row in rows.items():
            known = shipped[part].get(name, {})
            if part == "figures" and isinstance(row, dict):
                # A price of one's own is neither the list's assumption nor its "up to", unless the row says so.
                known = {key: value for key, value in known.items() if key in ("unit", "region", "checked")}
                known["source"] = source
            merged[part][name] = {**known, **row} if isinstance(row, dict) else row
    return merged


def _price_list(content: dict[str, Any], source: str) -> PriceList:
    try:
        document = _Document.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"the prices {source}: {where}: {first['msg']}") from None
    figures = {name: Figure(name=name, **row.model_dump()) for name, row in document.figures.items()}
    for name in _DIVISORS:
        if figures[name].value == 0.0:
            raise ConfigurationError(f"the prices {source}: figures.{name}: must be above 0")
    made = {name: _platform(name, row, figures, source) for name, row in document.platforms.items()}
    aliases = {alias: name for name, row in document.platforms.items() for alias in row.aliases}
    return PriceList(figures=figures, platforms=made, aliases=aliases)


def _platform(name: str, row: _PlatformRow, figures: dict[str, Figure], source: str) -> Platform:
    used: list[Figure] = []

    def value(key: str) -> float | None:
        figure_name = getattr(row, key)
        if figure_name is None:
            return None
        figure = figures.get(figure_name)
        if figure is None:
            raise ConfigurationError(f"the prices {source}: platforms.{name}.{key}: no figure {figure_name!r}")
        if key in ("discount", "baseline") and figure.value > 1.0:
            raise ConfigurationError(f"the prices {source}: figures.{figure_name}: a fraction is at most 1")
        used.append(figure)
        return figure.value

    hour, vcpu_h, gb_h = value("per_h"), value("per_vcpu_h"), value("per_gb_h")
    if [part is not None for part in (hour, vcpu_h, gb_h)] not in ([True, False, False], [False, True, True]):
        raise ConfigurationError(
            f"the prices {source}: platforms.{name}: needs either per_h, or per_vcpu_h and per_gb_h"
        )
    if hour is None:
        hour = (vcpu_h or 0.0) * row.vcpus + (gb_h or 0.0) * row.memory_gb
    return Platform(
        name=name,
        title=row.title,
        kind=row.kind,
        vcpus=row.vcpus,
        memory_gb=row.memory_gb,
        usd_per_h=hour * (1.0 - (value("discount") or 0.0)),
        minimum_s=value("minimum") or 0.0,
        start_s=value("start") or 0.0,
        terms=row.terms,
        baseline_frac=1.0 if row.baseline is None else value("baseline") or 0.0,
        surplus_usd_per_vcpu_h=value("surplus_per_vcpu_h") or 0.0,
        best_case=any(figure.best_case for figure in used),
        figures=tuple(figure.name for figure in used),
    )
