"""Old files are migrated, newer ones and those of others left alone, damaged ones moved aside."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from offload_sdk.errors import ConfigurationError
from offload_sdk.log import SqliteLog, read_rows
from offload_sdk.log.rows import to_row
from offload_sdk.log.schema import APPLICATION_ID, COLUMNS, MIGRATIONS, SCHEMA_VERSION, columns_of, migrate

pytestmark = pytest.mark.light


def test_the_columns_are_those_of_a_row(make_record: Any) -> None:
    assert len(to_row(make_record())) == len(COLUMNS)
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    names = [row[1] for row in connection.execute("PRAGMA table_info(images)")]
    assert names == ["id", *COLUMNS]


@pytest.mark.parametrize("version", range(SCHEMA_VERSION + 1))
def test_a_file_of_every_earlier_version_is_migrated(tmp_path: Path, make_record: Any, version: int) -> None:
    path = tmp_path / "log.sqlite3"
    old = sqlite3.connect(path, isolation_level=None)
    if version:
        migrate(old, MIGRATIONS[:version])
        _insert(old, make_record(0), version)
    old.close()
    log = SqliteLog(path)
    log.append(make_record(1))
    log.close()
    assert [row.request_id for row in read_rows(path)] == ["id-0", "id-1"][0 if version else 1 :]
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert connection.execute("SELECT count(*) FROM paths").fetchone()[0] >= 1
    assert list(tmp_path.glob("*corrupt*")) == []


def _insert(connection: sqlite3.Connection, record: Any, version: int) -> None:
    columns = columns_of(version)
    row = dict(zip(COLUMNS, to_row(record), strict=True))
    marks = ", ".join("?" * len(columns))
    values = [row[name] for name in columns]
    connection.execute(f"INSERT INTO images ({', '.join(columns)}) VALUES ({marks})", values)


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION + 1))
def test_a_file_of_every_earlier_version_is_read_as_it_is(tmp_path: Path, make_record: Any, version: int) -> None:
    path = tmp_path / "log.sqlite3"
    old = sqlite3.connect(path, isolation_level=None)
    migrate(old, MIGRATIONS[:version])
    hedged = make_record(0)
    hedged = replace(hedged, decision=replace(hedged.decision, second="local", second_after_s=0.25))
    _insert(old, hedged, version)
    old.close()
    path.chmod(0o400)
    (record,) = read_rows(path)
    assert record.labels == hedged.labels
    known = columns_of(version)
    assert record.decision.second == ("local" if "second" in known else None)
    assert record.decision.second_after_s == (0.25 if "second_after_s" in known else None)


def test_a_step_that_fails_changes_nothing() -> None:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, (*MIGRATIONS, "CREATE TABLE more (x)", "no SQL"))
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    assert connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)


@pytest.mark.parametrize("kind", ["newer", "foreign"])
def test_a_file_that_is_not_ours_to_write_is_left_alone(
    tmp_path: Path, make_record: Any, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    path = tmp_path / "log.sqlite3"
    other = sqlite3.connect(path, isolation_level=None)
    if kind == "newer":
        migrate(other, (*MIGRATIONS, "CREATE TABLE more (x)"))
    else:
        other.execute("CREATE TABLE images (x)")
    other.close()
    before = path.read_bytes()
    log = SqliteLog(path)
    log.append(make_record())
    log.close()
    assert path.read_bytes() == before
    beside = tmp_path / f"log.v{SCHEMA_VERSION}.sqlite3"
    assert log.status()["path"] == str(beside)
    assert len(list(read_rows(beside))) == 1
    assert [str(beside) in message for message in caplog.messages] == [True]
    with pytest.raises(ConfigurationError, match=str(path)):
        read_rows(path)


def test_a_damaged_file_is_kept_aside_and_a_new_one_begun(
    tmp_path: Path, make_record: Any, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "log.sqlite3"
    for number in (1, 2):
        path.write_bytes(b"no database at all" * 1000)
        log = SqliteLog(path)
        log.append(make_record())
        log.close()
        assert len(list(read_rows(path))) == 1
        assert (tmp_path / f"log.sqlite3.corrupt-{number}").read_bytes().startswith(b"no database")
        assert len(caplog.records) == number


def test_damage_that_shows_while_writing(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path)
    for number in range(50):
        log.append(make_record(number))
    log.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))
    log = SqliteLog(path)
    log.append(make_record(50))
    log.append(make_record(51))
    assert [row.request_id for row in read_rows(path)] == ["id-50", "id-51"]
    assert (tmp_path / "log.sqlite3.corrupt-1").stat().st_size == size
    assert log.status()["last_error"] is None
    log.close()
