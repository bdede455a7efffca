"""The log takes records, amends them, keeps to its limits and reports its state."""

from __future__ import annotations

import math
import os
import sqlite3
import stat
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from offload_sdk._types import Outcome
from offload_sdk.errors import ConfigurationError, OffloadError
from offload_sdk.log import SqliteLog, read_rows
from offload_sdk.typing import Log

pytestmark = pytest.mark.light

SHADOW = Outcome(option="local", path="local", status="success", role="shadow", started_s=13.0, latency_s=0.11)


def test_what_is_read_is_what_was_written(tmp_path: Path, make_record: Any) -> None:
    log = SqliteLog(tmp_path / "log.sqlite3")
    assert isinstance(log, Log)
    record = make_record()
    log.append(record)
    bare = make_record(1, labels=(), outcomes=(), path=None, endpoint=None, model=None, source=None, error="no")
    log.append(bare)
    assert list(read_rows(tmp_path / "log.sqlite3")) == [record, bare]
    log.close()
    assert list(read_rows(tmp_path / "log.sqlite3")) == [record, bare]


def test_outcomes_are_amended_in_order(tmp_path: Path, make_record: Any) -> None:
    log = SqliteLog(tmp_path / "log.sqlite3")
    log.append(make_record(0))
    log.append(make_record(1, outcomes=()))
    for number in (0, 1):
        log.amend(f"id-{number}", [SHADOW])
        log.amend(f"id-{number}", [SHADOW, SHADOW])
        log.amend(f"id-{number}", [])
    log.amend("nobody", [SHADOW])
    first, second = read_rows(tmp_path / "log.sqlite3")
    assert first.outcomes == (*make_record(0).outcomes, SHADOW, SHADOW, SHADOW)
    assert second.outcomes == (SHADOW, SHADOW, SHADOW)
    log.close()


def test_the_view_lists_every_path_that_was_run(tmp_path: Path, make_record: Any) -> None:
    log = SqliteLog(tmp_path / "log.sqlite3")
    log.append(make_record())
    log.amend("id-0", [SHADOW])
    log.close()
    rows = (
        sqlite3.connect(tmp_path / "log.sqlite3")
        .execute("SELECT request_id, option, path, role, status, latency_s, sent_bytes FROM paths ORDER BY run")
        .fetchall()
    )
    assert rows == [
        ("id-0", "cloud", "remote", "answer", "success", 0.055, 15000),
        ("id-0", "local", "local", "shadow", "success", 0.11, 0),
    ]


def test_numbers_that_json_lacks_and_names_that_are_not_unicode(tmp_path: Path, make_record: Any) -> None:
    log = SqliteLog(tmp_path / "log.sqlite3")
    odd = Outcome(
        option="x",
        path="remote",
        status="failed",
        role="answer",
        started_s=0.0,
        latency_s=math.inf,
        energy_j=math.nan,
    )
    log.append(make_record(outcomes=(odd,), source="caf\udce9.jpg", timings={"open": math.nan}))
    (row,) = read_rows(tmp_path / "log.sqlite3")
    assert row.source == "caf\\udce9.jpg"
    assert row.timings == {"open": None}
    assert (row.outcomes[0].latency_s, row.outcomes[0].energy_j) == (math.inf, None)
    assert log.status()["dropped"] == 0
    log.close()


def test_a_row_that_cannot_be_written_holds_up_no_other(
    tmp_path: Path, make_record: Any, caplog: pytest.LogCaptureFixture
) -> None:
    log = SqliteLog(tmp_path / "log.sqlite3")
    log.append(make_record(0, timings={"open": object()}))
    log.append(make_record(1, deadline_s=object()))
    log.append(make_record(2, deadline_s=2**80))
    log.append(make_record(3))
    log.append(make_record(3))
    assert [row.request_id for row in read_rows(tmp_path / "log.sqlite3")] == ["id-3"]
    assert log.status()["dropped"] == 3
    assert len(caplog.records) == 1
    log.close()


def test_status_tells_rows_and_bytes(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path)
    assert log.status()["rows"] == 0
    for number in range(7):
        log.append(make_record(number))
    status = log.status()
    assert status["rows"] == 7
    assert status["bytes"] == path.stat().st_size + Path(f"{path}-wal").stat().st_size
    assert (status["pending"], status["dropped"], status["last_error"]) == (0, 0, None)
    log.close()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX file modes")
def test_the_file_is_private(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "new" / "log.sqlite3"
    log = SqliteLog(path)
    log.append(make_record())
    for name in ("", "-wal", "-shm"):
        assert stat.S_IMODE(Path(f"{path}{name}").stat().st_mode) == 0o600
    log.close()


def test_the_oldest_rows_go_when_the_log_is_too_large(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path, max_bytes=1_000_000)
    for number in range(1500):
        log.append(make_record(number, wall_s=1e12))
    assert log.status()["bytes"] > 2_000_000
    log.maintain()
    log.append(make_record(1500, wall_s=1e12))
    log.maintain()
    status = log.status()
    assert status["bytes"] <= 1_000_000
    kept = [row.request_id for row in read_rows(path)]
    assert kept == [f"id-{number}" for number in range(1501 - len(kept), 1501)]
    assert len(kept) > 100
    log.close()


def test_rows_past_the_age_go_and_younger_ones_stay(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path, max_age_days=2.0, wall=lambda: 500.0 + 2 * 86400.0)
    for number in range(1000):
        log.append(make_record(number, wall_s=float(number)))
    log.maintain()
    assert [row.wall_s for row in read_rows(path)] == [float(number) for number in range(500, 1000)]
    log.close()


def test_the_write_ahead_log_is_bounded_without_upkeep(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path, max_bytes=1_000_000)
    for number in range(500):
        log.append(make_record(number))
    assert Path(f"{path}-wal").stat().st_size < 400_000
    log.close()


def test_many_threads_lose_nothing(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path)

    def work(base: int) -> None:
        for number in range(base, base + 100):
            log.append(make_record(number))
            log.amend(f"id-{number}", [SHADOW])

    threads = [threading.Thread(target=work, args=(base,)) for base in range(0, 400, 100)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        log.maintain()
    for thread in threads:
        thread.join()
    log.close()
    rows = list(read_rows(path))
    assert {row.request_id for row in rows} == {f"id-{number}" for number in range(400)}
    assert all(row.outcomes[-1] == SHADOW for row in rows)


def test_an_append_after_close_is_written(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path)
    log.append(make_record(0))
    log.close()
    log.append(make_record(1))
    log.close()
    assert not Path(f"{path}-wal").exists()
    assert len(list(read_rows(path))) == 2


def test_rows_of_a_span_of_time(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path)
    for number in range(1100):
        log.append(make_record(number, wall_s=float(number)))
    assert [row.wall_s for row in read_rows(path, since_s=498.0, until_s=1002.0)] == [
        float(number) for number in range(498, 1002)
    ]
    log.close()


def test_reading_is_lazy_and_sees_what_is_written_meanwhile(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path)
    for number in range(600):
        log.append(make_record(number))
    rows = read_rows(path)
    next(rows)
    log.append(make_record(600))
    assert sum(1 for _ in rows) == 600
    log.close()


def test_reading_what_is_no_log(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no log at"):
        read_rows(tmp_path / "absent.sqlite3")
    (tmp_path / "text").write_text("not a database, but long enough to be looked at" * 50)
    with pytest.raises(ConfigurationError, match="not a log that can be read"):
        read_rows(tmp_path / "text")
    (tmp_path / "empty").touch()
    with pytest.raises(ConfigurationError, match="empty"):
        read_rows(tmp_path / "empty")


def test_a_row_that_somebody_changed_is_named(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path)
    for number in range(3):
        log.append(make_record(number))
    log.close()
    with sqlite3.connect(path) as other:
        other.execute("UPDATE images SET predicted = 'x' WHERE id = 2")
    other.close()
    rows = read_rows(path)
    assert next(rows).request_id == "id-0"
    with pytest.raises(OffloadError, match="row 2 of the log"):
        next(rows)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_opens_the_log_anew(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path)
    log.append(make_record(0))
    children = []
    for child in range(1, 4):
        pid = os.fork()
        if pid == 0:
            try:
                for number in range(50):
                    log.append(make_record(child * 1000 + number))
                log.close()
            finally:
                os._exit(0)
        children.append(pid)
        log.append(make_record(child))
    for pid in children:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    log.append(make_record(4))
    log.close()
    assert len(list(read_rows(path))) == 5 + 150
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_waited_for_another_thread_is_written_when_that_one_is_done(tmp_path: Path, make_record: Any) -> None:
    log = SqliteLog(tmp_path / "log.sqlite3")
    log._lock.acquire()
    thread = threading.Thread(target=log.append, args=(make_record(1),))
    thread.start()
    time.sleep(0.1)
    log._lock.release()
    thread.join(5.0)
    assert [record.request_id for record in read_rows(tmp_path / "log.sqlite3")] == [make_record(1).request_id]
    assert log.status()["pending"] == 0
    log.close()
