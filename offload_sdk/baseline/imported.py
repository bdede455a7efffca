"""Runs that were measured elsewhere, read from a CSV file: `platform,total_s,mean_s,cost_usd`, a row per run."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from offload_sdk.baseline.summarise import series_of_runs
from offload_sdk.baseline.summary import Run, Summary, Target
from offload_sdk.baseline.targets import LOCAL
from offload_sdk.errors import ConfigurationError
from offload_sdk.pricing import platform_for

__all__ = ["COLUMNS", "import_runs"]

COLUMNS = ("platform", "total_s", "mean_s", "cost_usd")
_LEAST, _MOST = 1e-9, 1e9  # beyond are mistakes, which no picture could show


def import_runs(path: Path) -> Summary:
    """Return a `Summary` with `imported` set. Raises `ConfigurationError` naming the row that is wrong."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return _summary(csv.reader(stream, strict=True), path)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no CSV file: {error}") from None


def _summary(rows: Iterable[list[str]], path: Path) -> Summary:
    numbered = [(number, row) for number, row in enumerate(rows, start=1) if any(cell.strip() for cell in row)]
    if not numbered:
        raise ConfigurationError(f"{path} is empty; it needs the columns {','.join(COLUMNS)} and a row per run")
    header = [cell.strip().lower() for cell in numbered[0][1]]
    for column in COLUMNS:
        if header.count(column) != 1:
            raise ConfigurationError(
                f"{path} has {'no' if column not in header else 'more than one'} column {column!r}; it needs "
                f"{','.join(COLUMNS)}, with commas between them"
            )
    if len(numbered) == 1:
        raise ConfigurationError(f"{path} has no row below its header")
    runs: dict[str, list[Run]] = {}
    for number, row in numbered[1:]:
        where = f"row {number} of {path}"
        if len(row) != len(header):
            raise ConfigurationError(f"{where} has {len(row)} cells, and the header has {len(header)}")
        cells = dict(zip(header, (cell.strip() for cell in row), strict=True))
        if not cells["platform"]:
            raise ConfigurationError(f"{where}: platform is empty")
        total_s, mean_s, cost_usd = (_number(cells[name], name, where) for name in COLUMNS[1:])
        runs.setdefault(cells["platform"], []).append(Run(total_s=total_s, mean_s=mean_s, cost_usd=cost_usd))
    return Summary(
        targets=tuple(_target(name, of) for name, of in runs.items()),
        repeat=max(map(len, runs.values())),
        imported=True,
    )


def _target(name: str, runs: list[Run]) -> Target:
    """The runs of servers count as whole files: published ones were, and nobody says otherwise."""
    platform = platform_for(name)
    local = name.lower() == LOCAL
    return Target(
        name=name,
        path="local" if local else "remote",
        series=series_of_runs("sdk" if local else "original", runs),
        platform=None if platform is None else platform.name,
    )


def _number(text: str, name: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        what = "is empty" if not text else f"is {text!r}, which is no number"
        raise ConfigurationError(f"{where}: {name} {what}") from None
    if value != 0.0 and not _LEAST <= value <= _MOST:
        raise ConfigurationError(f"{where}: {name} is {text}; it must be 0, or from {_LEAST:g} to {_MOST:g}")
    return value
