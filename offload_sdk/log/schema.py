"""The tables of the log and the steps from each version of them to the next. SQL only: opens no file.

`PRAGMA user_version` is the number of steps a file has gone through, `PRAGMA application_id` marks it as ours.
A step once released is never changed; a new version is a new step at the end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

__all__ = [
    "APPLICATION_ID",
    "COLUMNS",
    "MIGRATIONS",
    "SCHEMA_VERSION",
    "SchemaError",
    "columns_of",
    "migrate",
    "version_of",
]

APPLICATION_ID = 0x4F464C44  # "OFLD"

_COLUMN_TYPES = (
    ("request_id", "TEXT NOT NULL UNIQUE"),
    ("wall_s", "REAL NOT NULL"),
    ("source", "TEXT"),
    ("policy", "TEXT NOT NULL"),
    ("chosen", "TEXT NOT NULL"),
    ("chosen_path", "TEXT NOT NULL"),
    ("path", "TEXT"),
    ("endpoint", "TEXT"),
    ("model", "TEXT"),
    ("reason", "TEXT NOT NULL"),
    ("propensity", "REAL NOT NULL"),
    ("explored", "INTEGER NOT NULL"),
    ("fallback", "INTEGER NOT NULL"),
    ("hedged", "INTEGER NOT NULL"),
    ("deadline_s", "REAL"),
    ("latency_s", "REAL NOT NULL"),
    ("error", "TEXT"),
    ("top_label", "TEXT"),
    ("top_probability", "REAL"),
    ("image_format", "TEXT NOT NULL"),
    ("image_width", "INTEGER NOT NULL"),
    ("image_height", "INTEGER NOT NULL"),
    ("image_bytes", "INTEGER"),
    ("snapshot_taken_s", "REAL NOT NULL"),
    ("battery_frac", "REAL"),
    ("on_mains", "INTEGER"),
    ("power_w", "REAL"),
    ("cpu_load_frac", "REAL"),
    ("temperature_c", "REAL"),
    ("throttled", "INTEGER"),
    ("signal_dbm", "REAL"),
    ("shadow", "TEXT NOT NULL"),
    ("predicted", "TEXT NOT NULL"),
    ("timings", "TEXT NOT NULL"),
    ("outcomes", "TEXT NOT NULL"),
    ("labels", "TEXT NOT NULL"),
)

_ADDED_TYPES = (  # each by a step of its own, after the table and the view
    ("second", "TEXT"),
    ("second_after_s", "REAL"),
)

COLUMNS = tuple(name for name, _ in (*_COLUMN_TYPES, *_ADDED_TYPES))
"""The columns of `images` in the order of `rows.to_row`; `id` comes before them and counts up."""

_TABLE = "CREATE TABLE images (id INTEGER PRIMARY KEY, {})".format(
    ", ".join(f"{name} {kind}" for name, kind in _COLUMN_TYPES)
)

# One row per path that was run, for people with an SQLite shell.
_VIEW = """
CREATE VIEW paths AS
SELECT i.id, i.request_id, i.wall_s, i.chosen, o.key AS run,
       json_extract(o.value, '$.option') AS option,
       json_extract(o.value, '$.path') AS path,
       json_extract(o.value, '$.role') AS role,
       json_extract(o.value, '$.status') AS status,
       json_extract(o.value, '$.latency_s') AS latency_s,
       json_extract(o.value, '$.censored') AS censored,
       json_extract(o.value, '$.energy_j') AS energy_j,
       json_extract(o.value, '$.energy_source') AS energy_source,
       json_extract(o.value, '$.cost_usd') AS cost_usd,
       json_extract(o.value, '$.sent_bytes') AS sent_bytes,
       json_extract(o.value, '$.received_bytes') AS received_bytes,
       json_extract(o.value, '$.error_kind') AS error_kind
FROM images AS i, json_each(i.outcomes) AS o
"""

_BEFORE = (_TABLE, _VIEW)
MIGRATIONS = (*_BEFORE, *(f"ALTER TABLE images ADD COLUMN {name} {kind}" for name, kind in _ADDED_TYPES))
SCHEMA_VERSION = len(MIGRATIONS)


class SchemaError(Exception):
    """The file is a healthy database that this version must not write to: newer, or somebody else's."""


def version_of(connection: sqlite3.Connection, known: int = SCHEMA_VERSION) -> int:
    """Return the file's schema version, 0 for an empty file. Raises `SchemaError` for one we must not touch."""
    # In this order: another process may be making the tables between two of these statements, and a file that is
    # not empty has its marks, since all of it is committed at once.
    empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if application != APPLICATION_ID and not empty:
        raise SchemaError("it is the database of another program")
    if version > known:
        raise SchemaError(f"a newer version of offload-sdk wrote it (schema {version}, this one knows {known})")
    return version


def columns_of(version: int) -> tuple[str, ...]:
    """Return the columns that a file of this version has: the first ones of `COLUMNS`."""
    return COLUMNS[: len(_COLUMN_TYPES) + max(version - len(_BEFORE), 0)]


def migrate(connection: sqlite3.Connection, steps: Sequence[str] = MIGRATIONS) -> None:
    """Bring the file to the newest version, in one transaction that several processes may race for."""
    if version_of(connection, len(steps)) == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in steps[version_of(connection, len(steps)) :]:
            connection.execute(step)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
