"""CSV and JSON lines hold what the records hold."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from offload_sdk.log.export import CSV_COLUMNS, write_csv, write_jsonl

pytestmark = pytest.mark.light


def test_csv_has_one_flat_line_per_image(make_record: Any) -> None:
    stream = io.StringIO()
    assert write_csv([make_record(0), make_record(1, source="=cmd()", path=None, error="a\nb")], stream) == 2
    first, second = csv.DictReader(io.StringIO(stream.getvalue()))
    assert tuple(first) == CSV_COLUMNS
    assert (first["request_id"], first["chosen"], first["top_label"]) == ("id-0", "cloud", "tabby")
    assert (first["hedged"], first["signal_dbm"], first["power_w"]) == ("0", "-60.0", "")
    assert (second["source"], second["path"], second["error"]) == ("'=cmd()", "", "a\nb")


def test_json_lines_are_whole(make_record: Any) -> None:
    stream = io.StringIO()
    assert write_jsonl([make_record()], stream) == 1
    document = json.loads(stream.getvalue())
    assert document["predicted"]["cloud"]["payload_bytes"] == 15000
    assert document["outcomes"][0]["timings"] == {"network": 0.04, "server": 0.01}
    assert document["labels"][0] == [281, "tabby", 0.75]
    assert (document["on_mains"], document["hedged"], document["power_w"]) == (False, False, None)
