"""Opening the log's file: made private, damaged files moved aside, files of others left alone, then migrated.

No statement that reads or writes rows belongs here.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from pathlib import Path

from offload_sdk.log.schema import SCHEMA_VERSION, SchemaError, migrate, version_of

__all__ = ["PAGE_BYTES", "Identity", "connect", "identity_of", "is_damaged", "open_log", "set_aside"]

_LOGGER = logging.getLogger("offload_sdk")

PAGE_BYTES = 4096

Identity = tuple[int, int]
"""Device and inode: whether a path still names the file that was opened."""


def open_log(path: Path, *, busy_s: float, wal_pages: int) -> tuple[sqlite3.Connection, Path]:
    """Open the log for writing, making it if needed; return the connection and the file really used.

    A damaged file is moved aside. A file that must not be written to (`SchemaError`) stays as it is, and the
    log goes to `NAME.vN.sqlite3` beside it. Raises `OSError` and `sqlite3.Error`.
    """
    try:
        return _open(path, busy_s, wal_pages), path
    except SchemaError as error:
        beside = path.with_name(f"{path.stem}.v{SCHEMA_VERSION}{path.suffix}")
        _LOGGER.warning("the log %s is left alone, %s; logging to %s instead", path, error, beside)
        try:
            return _open(beside, busy_s, wal_pages), beside
        except SchemaError as again:
            raise sqlite3.OperationalError(f"{beside}: {again}") from None


def connect(path: Path, *, busy_s: float) -> sqlite3.Connection:
    """Open an existing file in autocommit mode. Raises `sqlite3.Error`."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=busy_s,
        isolation_level=None,
        check_same_thread=False,  # the store has a lock of its own
    )


def identity_of(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_damaged(error: sqlite3.Error) -> bool:
    """Whether SQLite says that the file is no database, or a broken one (it has no class for that)."""
    return type(error) is sqlite3.DatabaseError


def set_aside(path: Path) -> Path:
    """Rename a damaged database and its write-ahead log to the first free `.corrupt-N`. Raises `OSError`."""
    number = 1
    while (target := path.with_name(f"{path.name}.corrupt-{number}")).exists():
        number += 1
    path.rename(target)
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(target.with_name(target.name + suffix))
    _LOGGER.warning("the log %s is damaged; it is kept as %s and a new one is begun", path, target)
    return target


def _open(path: Path, busy_s: float, wal_pages: int) -> sqlite3.Connection:
    try:
        return _prepared(path, busy_s, wal_pages)
    except sqlite3.DatabaseError as error:
        if not is_damaged(error):
            raise
    set_aside(path)
    return _prepared(path, busy_s, wal_pages)


def _prepared(path: Path, busy_s: float, wal_pages: int) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # SQLite would make the file readable to all; its companions take over the mode of the file.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = connect(path, busy_s=busy_s)
    try:
        if version_of(connection) == 0:
            # Only an empty file can be told to give pages back; the log shrinks when old rows go.
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        # The background thread checkpoints; this bound holds where nobody calls `maintain`.
        connection.execute(f"PRAGMA wal_autocheckpoint = {wal_pages}")
        connection.execute(f"PRAGMA journal_size_limit = {wal_pages * PAGE_BYTES}")
        migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection
