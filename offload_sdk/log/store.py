"""`SqliteLog`: takes one record per image, and never makes `classify` fail or wait for long.

A record is committed on the calling thread before `append` returns, so a killed process loses nothing that was
answered (a power cut may lose the last seconds: the background thread flushes the file). How rows look is
`rows`, what happens when the file cannot be written `writer`; statistics are `report`.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from offload_sdk._types import Outcome, Record
from offload_sdk.log import chores, forking
from offload_sdk.log.database import PAGE_BYTES, connect
from offload_sdk.log.rows import outcomes_json, to_row
from offload_sdk.log.schema import COLUMNS, SCHEMA_VERSION
from offload_sdk.log.writer import Statement, Writer
from offload_sdk.typing import Clock

__all__ = ["SqliteLog"]

_COLUMNS, _MARKS = ", ".join(COLUMNS), ", ".join("?" * len(COLUMNS))
_INSERT = f"INSERT INTO images ({_COLUMNS}) VALUES ({_MARKS}) ON CONFLICT (request_id) DO NOTHING"  # noqa: S608 (constants)
# The column is a JSON list written by `to_row`, so appending is a matter of text, atomic and without parsing.
_AMEND = """UPDATE images SET outcomes = CASE outcomes WHEN '[]' THEN '[' || ?2 || ']'
ELSE substr(outcomes, 1, length(outcomes) - 1) || ',' || ?2 || ']' END WHERE request_id = ?1"""

_BUSY_S = 1.0  # for the locks of other processes, which last for one row or one batch
_TURN_S = 1.0  # for other threads of this one, which are at work on the same file
_OPEN_BUSY_S = 2.0
_CHORE_BUDGET_S = 5.0
_PAUSE_S = 0.002


class SqliteLog:
    """Implements `offload_sdk.typing.Log` on a file; safe for several threads and several processes.

    `max_bytes` and `max_age_days` are limits that `maintain` enforces by deleting the oldest rows. `clock` is
    monotonic, `wall` gives Unix time. No method raises for the state of the file; `status` tells it.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_bytes: int = 200_000_000,
        max_age_days: float = 90.0,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> None:
        # Thirty images a second for half a minute fill some 2,700 pages; until then no caller waits for a flush.
        wal_pages = max(16, min(4000, max_bytes // 8 // PAGE_BYTES))
        self._max_bytes = max_bytes - wal_pages * PAGE_BYTES
        self._max_age_s = max_age_days * 86400.0
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()  # guards the writer
        self._chores = threading.Lock()  # one `maintain` at a time
        self._closed = False
        self._upkeep_error: str | None = None
        self._writer = Writer(Path(path), busy_s=_BUSY_S, wal_pages=wal_pages)
        self._writer.open(_OPEN_BUSY_S)
        forking.watch(self)

    def append(self, record: Record) -> None:
        """Commit one record; a second one with the same request id changes nothing."""
        try:
            row = to_row(record)
        except Exception as error:  # a plug-in's odd value must not cost the caller the answer
            self._writer.drop(1, f"a record cannot be written: {error!r}")
            return
        self._write((_INSERT, row))

    def amend(self, request_id: str, outcomes: Iterable[Outcome]) -> None:
        """Add outcomes that came after the answer, such as those of shadow runs, to the image's row."""
        try:
            text = outcomes_json(outcomes)
        except Exception as error:  # as above
            self._writer.drop(1, f"an outcome cannot be written: {error!r}")
            return
        if text:
            self._write((_AMEND, (request_id, text)))

    def maintain(self) -> None:
        """Write what waits, flush the file, enforce the limits. May take seconds; appends go on meanwhile."""
        with self._chores:
            with self._lock:
                if self._writer.failing or self._writer.is_replaced():
                    self._writer.close()  # opened anew: the disk may be back, the file may have been deleted
            while True:
                with self._lock:
                    if not self._writer.flush():
                        return
                    if not self._writer.queue:
                        break
                time.sleep(_PAUSE_S)
            try:
                with contextlib.closing(connect(self._writer.path, busy_s=_BUSY_S)) as connection:
                    chores.checkpoint(connection)
                    self._enforce_limits(connection)
            except sqlite3.Error as error:
                # Another process is at it, or the disk fails, which the next `append` finds out.
                self._upkeep_error = f"upkeep: {error}"
            else:
                self._upkeep_error = None

    def status(self) -> dict[str, Any]:
        """Return the file, its rows and bytes (None when unreadable), what waits, and the last error."""
        path = self._writer.path
        rows: int | None = None
        with contextlib.suppress(sqlite3.Error), contextlib.closing(connect(path, busy_s=_BUSY_S)) as connection:
            rows = int(connection.execute("SELECT count(*) FROM images").fetchone()[0])
        return {
            "path": str(path),
            "rows": rows,
            "bytes": _bytes_of(path),
            "pending": len(self._writer.queue),
            "dropped": self._writer.dropped,
            "schema": SCHEMA_VERSION,
            "last_error": self._writer.last_error or self._upkeep_error,
        }

    def close(self) -> None:
        """Write what waits, do the chores, close the file. What is appended later is still written."""
        if self._closed:
            return
        self.maintain()
        with self._lock:
            self._closed = True
            if lost := len(self._writer.queue):
                self._writer.drop(lost, f"{lost} records never reached the log {self._writer.path}")
                self._writer.queue.clear()
            self._writer.close()

    def before_fork(self) -> None:
        """Wait for running work and close the file; the locks stay taken until `after_fork`."""
        self._chores.acquire()
        self._lock.acquire()
        self._writer.close()

    def after_fork(self, *, child: bool) -> None:
        """Let the work go on; the file is opened again when needed. What waits is the parent's to write."""
        if child:
            self._writer.queue.clear()
        self._lock.release()
        self._chores.release()

    def _write(self, statement: Statement) -> None:
        if self._lock.acquire(timeout=_TURN_S):
            try:
                self._writer.write(statement)
            finally:
                self._done()
        else:
            self._writer.enqueue(statement)  # the disk hangs; the caller does not wait for ever
        # Whoever held the lock may not have seen what was queued meanwhile; one of the two writes it now.
        while self._writer.queue and not self._writer.failing and self._lock.acquire(blocking=False):
            try:
                self._writer.flush()
            finally:
                self._done()

    def _done(self) -> None:
        if self._closed:
            self._writer.close()
        self._lock.release()

    def _enforce_limits(self, connection: sqlite3.Connection) -> None:
        """Delete in small batches, each under the lock so that appends never meet a locked file."""
        end_s = self._clock() + _CHORE_BUDGET_S
        oldest_s = self._wall() - self._max_age_s
        while self._clock() < end_s:
            with self._lock:
                deleted = chores.delete_some(connection, older_than_s=oldest_s)
                if not deleted and not chores.shrink_some(connection, max_bytes=self._max_bytes):
                    break
            chores.checkpoint(connection)  # else deleting would fill the write-ahead log


def _bytes_of(path: Path) -> int | None:
    """The size of the file and of its write-ahead log, which is absent when nobody has the file open."""
    try:
        total = path.stat().st_size
        with contextlib.suppress(FileNotFoundError):
            total += path.with_name(path.name + "-wal").stat().st_size
    except OSError:
        return None
    return total
