"""`Writer`: gets statements into the file in their order, whatever state the file is in. Never raises for it.

Usually a statement is committed at once. While the file cannot be written (locked, disk full, read-only, I/O
error), statements wait in a bounded queue. Not safe for several threads: the store holds the lock.
"""

from __future__ import annotations

import logging
import sqlite3
from collections import deque
from pathlib import Path

from offload_sdk.log.database import Identity, identity_of, is_damaged, open_log, set_aside
from offload_sdk.log.rows import Value

__all__ = ["QUEUE_ROWS", "Statement", "Writer"]

_LOGGER = logging.getLogger("offload_sdk")

QUEUE_ROWS = 10_000
_BATCH_ROWS = 200

Statement = tuple[str, tuple[Value, ...]]

# The fault of one row, not of the file; waiting would not help, and the rows behind it must not wait either.
_ROW_ERRORS = (
    sqlite3.IntegrityError,
    sqlite3.ProgrammingError,
    sqlite3.InterfaceError,
    sqlite3.DataError,
    OverflowError,
    UnicodeError,
)


class Writer:
    """Writes to the file at `wanted`; `path` is the file really used (`database.open_log` may choose another).

    `busy_s` bounds the wait for other processes' locks; while writing fails it is not waited at all.
    """

    def __init__(self, wanted: Path, *, busy_s: float, wal_pages: int) -> None:
        self.path = self._wanted = wanted
        self.queue: deque[Statement] = deque()
        self.dropped = 0
        self.failing = False
        self.last_error: str | None = None
        self._busy_s = busy_s
        self._wal_pages = wal_pages
        self._connection: sqlite3.Connection | None = None
        self._identity: Identity | None = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def write(self, statement: Statement) -> None:
        """Commit the statement now, or queue it behind those that wait and try the first of them."""
        if self._connection is not None and not self.queue:
            try:
                self._execute(self._connection, statement)
                return
            except sqlite3.Error as error:
                self._failed(error)
        self.enqueue(statement)
        self.flush()

    def enqueue(self, statement: Statement) -> None:
        """Have the statement wait. One call that may be made without the lock."""
        if len(self.queue) < QUEUE_ROWS:
            self.queue.append(statement)
        else:
            self.drop(1, f"{QUEUE_ROWS} records wait for the log {self.path} already, no more are kept")

    def flush(self) -> bool:
        """Write the first statements of the queue, opening the file if needed; false if that failed."""
        # Once more if a damaged file has just been replaced.
        return self._try_batch() or (self._connection is None and not self.failing and self._try_batch())

    def open(self, busy_s: float) -> None:
        """Open the file; a failure is noted like one of writing, and `write` tries again."""
        try:
            self._open(busy_s)
        except (sqlite3.Error, OSError) as error:
            self._failed(error)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def is_replaced(self) -> bool:
        """Whether the path no longer names the file that is open: deleted, or moved away."""
        return self._connection is not None and identity_of(self.path) != self._identity

    def drop(self, count: int, why: str) -> None:
        """Give records up; says so once, as whatever drops one tends to drop many."""
        if self.dropped == 0:
            _LOGGER.warning("%s; further losses are only counted", why)
        self.dropped += count
        self.last_error = why

    def _open(self, busy_s: float) -> sqlite3.Connection:
        self._connection, self.path = open_log(self._wanted, busy_s=busy_s, wal_pages=self._wal_pages)
        self._identity = identity_of(self.path)
        self._set_busy(self._connection)
        return self._connection

    def _try_batch(self) -> bool:
        try:
            self._write_batch()
            return True
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
            return False

    def _write_batch(self) -> None:
        connection = self._connection or self._open(self._busy_s)
        if not self.queue and not self.failing:
            return
        batch = [self.queue[index] for index in range(min(len(self.queue), _BATCH_ROWS))]
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in batch:
                self._execute(connection, statement)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        for _ in batch:
            self.queue.popleft()
        if self.failing:
            self.failing = False
            self.last_error = None
            self._set_busy(connection)
            _LOGGER.info("the log %s can be written again", self.path)

    def _execute(self, connection: sqlite3.Connection, statement: Statement) -> None:
        try:
            connection.execute(*statement)
        except _ROW_ERRORS as error:
            self.drop(1, f"a record cannot be written: {error}")

    def _failed(self, error: sqlite3.Error | OSError) -> None:
        """Note a failure of the file, with one warning until it works again; or put a damaged file aside."""
        if isinstance(error, sqlite3.Error) and is_damaged(error) and self._connection is not None:
            try:
                # Another process may have moved the damaged file already.
                is_ours = not self.is_replaced()
                self.close()
                if is_ours:
                    set_aside(self.path)
                return
            except (sqlite3.Error, OSError) as again:
                error = again
        self.last_error = f"{type(error).__name__}: {error}"
        if not self.failing:
            self.failing = True
            if self._connection is not None:
                self._set_busy(self._connection)
            _LOGGER.warning(
                "the log %s cannot be written (%s); up to %d records wait in memory",
                self.path,
                error,
                QUEUE_ROWS,
            )

    def _set_busy(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA busy_timeout = {0 if self.failing else round(self._busy_s * 1e3)}")
