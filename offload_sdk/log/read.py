"""Reading a log back, row by row, as the records that were written. Never changes the file.

No statistics and no text for people: those are `report`.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from offload_sdk._types import Record
from offload_sdk.errors import ConfigurationError, OffloadError
from offload_sdk.log.rows import from_row
from offload_sdk.log.schema import COLUMNS, SchemaError, columns_of, version_of

__all__ = ["read_rows"]

_PAGE_ROWS = 500
_BUSY_S = 5.0


def read_rows(path: Path, *, since_s: float | None = None, until_s: float | None = None) -> Iterator[Record]:
    """Yield the records of a log in the order in which they were written.

    `since_s` (inclusive) and `until_s` (exclusive) are Unix times. The file is opened at once, the rows are
    read as they are asked for.

    Raises:
        ConfigurationError: there is no such file, or it is not a log that this version reads.
        OffloadError: while reading, the file turned out to be damaged.
    """
    path = Path(path)
    if not os.path.isfile(path):  # also false where the folder may not be looked into
        raise ConfigurationError(
            f"there is no log at {path}; it is written by `offload-sdk classify`, or set OFFLOAD_HOME"
        )
    try:
        connection = _open(path)
        known = columns_of(version_of(connection))  # it may be older, if nobody has written to it since
    except (sqlite3.Error, SchemaError) as error:
        raise ConfigurationError(f"{path} is not a log that can be read: {error}") from None
    return _rows(connection, path, known, since_s, until_s)


def _open(path: Path) -> sqlite3.Connection:
    uri = path.absolute().as_uri()
    try:
        return _checked(f"{uri}?mode=ro")
    except sqlite3.OperationalError:
        # In a folder where SQLite may not make its companion files, a file at rest is still readable.
        if path.with_name(path.name + "-wal").exists():
            raise
        return _checked(f"{uri}?mode=ro&immutable=1")


def _checked(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        if version_of(connection) == 0:
            raise SchemaError("it is an empty database")
    except BaseException:
        connection.close()
        raise
    return connection


def _rows(
    connection: sqlite3.Connection,
    path: Path,
    known: tuple[str, ...],
    since_s: float | None,
    until_s: float | None,
) -> Iterator[Record]:
    columns = ", ".join((*known, *("NULL" for _ in COLUMNS[len(known) :])))
    # Page by page, so that a slow reader never holds back the checkpoints of a running writer.
    select = f"SELECT id, {columns} FROM images WHERE id > ? ORDER BY id LIMIT {_PAGE_ROWS}"  # noqa: S608 (constants)
    last = 0
    with contextlib.closing(connection):
        while True:
            try:
                page = connection.execute(select, (last,)).fetchall()
            except sqlite3.Error as error:
                raise OffloadError(f"the log {path} cannot be read to its end: {error}") from None
            for row in page:
                last = row[0]
                wall_s = row[2]
                if (since_s is None or wall_s >= since_s) and (until_s is None or wall_s < until_s):
                    yield _record(path, row)
            if len(page) < _PAGE_ROWS:
                return


def _record(path: Path, row: tuple[Any, ...]) -> Record:
    try:
        return from_row(row[1:])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OffloadError(f"row {row[0]} of the log {path} makes no sense: {error!r}") from None
