"""The log: one row per image in an SQLite file, and how to read it back. No statistics here (`report`)."""

from __future__ import annotations

from offload_sdk.log.read import read_rows
from offload_sdk.log.store import SqliteLog

__all__ = ["SqliteLog", "read_rows"]
