"""A log as CSV (one line per image, flat) or as JSON lines (one object per image, all that is known).

Text only; where the rows come from and where the lines go is the caller's.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from typing import IO, Any

from offload_sdk._types import Record
from offload_sdk.log.rows import to_row
from offload_sdk.log.schema import COLUMNS

__all__ = ["CSV_COLUMNS", "csv_cell", "write_csv", "write_jsonl"]

_JSON_COLUMNS = ("shadow", "predicted", "timings", "outcomes", "labels")

CSV_COLUMNS = tuple(name for name in COLUMNS if name not in _JSON_COLUMNS)
"""The scalar columns; what is nested needs JSON lines."""


def write_csv(records: Iterable[Record], stream: IO[str]) -> int:
    """Write a header and one line per record; unknown is an empty field. Returns the number of records."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    count = 0
    for record in records:
        document = _document(record)
        writer.writerow([csv_cell(document[name]) for name in CSV_COLUMNS])
        count += 1
    return count


def write_jsonl(records: Iterable[Record], stream: IO[str]) -> int:
    """Write one JSON object per record, with the columns of the log as names. Returns their number."""
    count = 0
    for record in records:
        document = _document(record)
        for name in _JSON_COLUMNS:
            document[name] = json.loads(document[name])
        for name in ("explored", "fallback", "hedged", "on_mains", "throttled"):
            document[name] = None if document[name] is None else bool(document[name])
        stream.write(json.dumps(document, separators=(",", ":")) + "\n")
        count += 1
    return count


def _document(record: Record) -> dict[str, Any]:
    return dict(zip(COLUMNS, to_row(record), strict=True))


def csv_cell(value: Any) -> Any:
    """Return a value as it goes into a CSV file that people open in a spreadsheet."""
    if isinstance(value, bool):
        return int(value)
    # A spreadsheet runs a text that begins like a formula; a leading apostrophe makes it plain text.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
