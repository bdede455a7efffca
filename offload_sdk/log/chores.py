"""The slow chores on the log's file: checkpoint, and deleting the oldest rows past the limits of size and age.

Each call does one bounded piece of work; pace, locks and clocks are the store's.
"""

from __future__ import annotations

import sqlite3

__all__ = ["checkpoint", "delete_some", "shrink_some"]

_BATCH_ROWS = 200
_BATCH_PAGES = 400


def checkpoint(connection: sqlite3.Connection) -> None:
    """Copy the write-ahead log into the file and flush it; waits for nobody and makes nobody wait."""
    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()


def delete_some(connection: sqlite3.Connection, *, older_than_s: float) -> bool:
    """Delete some of the rows written first, up to the first that is not older (Unix time); false if none is.

    The order of writing stands for the order in time, which needs no index; after a jump of the clock rows
    may stay longer.
    """
    rows = connection.execute("SELECT id, wall_s FROM images ORDER BY id LIMIT ?", (_BATCH_ROWS,)).fetchall()
    last: int | None = None
    for row_id, wall_s in rows:
        if wall_s >= older_than_s:
            break
        last = row_id
    if last is None:
        return False
    connection.execute("DELETE FROM images WHERE id <= ?", (last,))
    return True


def shrink_some(connection: sqlite3.Connection, *, max_bytes: int) -> bool:
    """Delete rows, oldest first, or give free pages back while the file is too large; false if it is not.

    Free pages of a file within its limit are kept for the rows to come: giving them back moves pages about,
    which wears out flash memory for nothing.
    """
    pages, free, page_bytes = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "freelist_count", "page_size")
    )
    if (pages - free) * page_bytes > max_bytes:
        return delete_some(connection, older_than_s=float("inf"))
    if pages * page_bytes > max_bytes:
        # `execute` would take one step of this statement, which frees one page.
        connection.executescript(f"PRAGMA incremental_vacuum({_BATCH_PAGES})")
        return free > 0
    return False
