"""Files in: an instance as one JSON document or as CSV tables. A mistake is one error that names its place."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from fleet_planner.assembly import assemble
from fleet_planner.document import CloudRow, DeviceRow, Document, ServerRow
from fleet_planner.instance import Instance
from offload_sdk.errors import ConfigurationError

__all__ = ["read_json", "read_tables"]

_SAME = {"latitude": "lat", "longitude": "lon", "lng": "lon", "long": "lon"}
_DELIMITERS = ",;\t"
_R = TypeVar("_R", DeviceRow, ServerRow, CloudRow)


def read_json(path: Path, *, seed: int = 0) -> Instance:
    """Read a `Document`. Raises `ConfigurationError`."""
    text = _text(path)
    try:
        document = Document.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{path}: {where + ': ' if where else ''}{_reason(first)}") from None
    return assemble(
        document,
        seed=seed,
        places=tuple(f"{path}, {of}[{{}}]".format for of in ("devices", "edges", "clouds")),
    )


def read_tables(devices: Path, edges: Path, clouds: Path | None = None, *, seed: int = 0) -> Instance:
    """Read CSV tables with the columns `id,lat,lon` and any of those of `document`; other columns are left alone.

    Raises `ConfigurationError`.
    """
    device_rows, device_lines = _table(devices, DeviceRow)
    edge_rows, edge_lines = _table(edges, ServerRow)
    cloud_rows, cloud_lines = _table(clouds, CloudRow) if clouds is not None else ([], [])
    return assemble(
        Document(devices=device_rows, edges=edge_rows, clouds=cloud_rows),
        seed=seed,
        places=(
            lambda index: f"{devices}, line {device_lines[index]}",
            lambda index: f"{edges}, line {edge_lines[index]}",
            lambda index: f"{clouds}, line {cloud_lines[index]}",
        ),
    )


def _table(path: Path, kind: type[_R]) -> tuple[list[_R], list[int]]:
    """Return the rows, and the line of the file in which each ends."""
    text = _text(path)
    first = text.partition("\n")[0]
    try:
        reader = csv.reader(
            text.splitlines(keepends=True), delimiter=max(_DELIMITERS, key=first.count), strict=True
        )
        header = [_SAME.get(name, name) for name in (cell.strip().lower() for cell in next(reader, []))]
        raw = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise ConfigurationError(f"{path}, line {reader.line_num}: {error}") from None
    missing = [name for name in ("id", "lat", "lon") if name not in header]
    if missing:
        raise ConfigurationError(f"{path}: the first line must name the columns id, lat and lon; no {missing[0]}")
    known = [(at, name) for at, name in enumerate(header) if name in kind.model_fields]
    doubled = [name for _, name in known if header.count(name) > 1]
    if doubled:
        raise ConfigurationError(f"{path}: the first line names the column {doubled[0]} more than once")
    rows: list[dict[str, str]] = []
    for line, cells in raw:
        if len(cells) != len(header):
            raise ConfigurationError(f"{path}, line {line}: {len(cells)} cells under {len(header)} columns")
        rows.append({name: cells[at].strip() for at, name in known if cells[at].strip()})
    lines = [line for line, _ in raw]
    try:
        return TypeAdapter(list[kind]).validate_python(rows), lines  # type: ignore[valid-type]
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        index, *field = fault["loc"]
        assert isinstance(index, int)
        raise ConfigurationError(
            f"{path}, line {lines[index]}: {'.'.join(map(str, field))}: {_reason(fault)}"
        ) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{path} is not UTF-8 text") from None


def _reason(fault: Any) -> str:
    given = fault["input"]
    said: str = fault["msg"][:1].lower() + fault["msg"][1:]
    return said if isinstance(given, dict | list) else f"{said}, not {given!r}"
