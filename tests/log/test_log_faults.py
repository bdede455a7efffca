"""Nothing that happens to the file reaches the caller, and nothing that was answered is lost."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from offload_sdk.log import SqliteLog, read_rows

RECORDS = Path(__file__).with_name("conftest.py")
PRELUDE = f"""
import runpy, sys
make_record = runpy.run_path({str(RECORDS)!r})["_record"]
from offload_sdk.log import SqliteLog
log = SqliteLog(sys.argv[1])
"""


def test_a_killed_process_loses_nothing_it_has_answered(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite3"
    writer = PRELUDE + (
        "first = int(sys.argv[2])\n"
        "import threading, time\n"
        "def upkeep():\n"
        "    while True:\n"
        "        log.maintain(); time.sleep(0.01)\n"
        "threading.Thread(target=upkeep, daemon=True).start()\n"
        "for number in range(first, first + 100_000):\n"
        "    log.append(make_record(number)); print(number, flush=True)\n"
    )
    answered: set[str] = set()
    delays = random.Random(7)
    for attempt in range(12):
        process = subprocess.Popen(
            [sys.executable, "-c", writer, str(path), str(attempt * 100_000)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        answered.add(f"id-{process.stdout.readline().strip()}")
        time.sleep(delays.uniform(0.0, 0.15))
        process.send_signal(signal.SIGKILL)
        answered.update(f"id-{line.strip()}" for line in process.stdout if line.endswith("\n"))
        process.wait()
    assert len(answered) > 100
    assert answered <= {row.request_id for row in read_rows(path)}
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.light
def test_several_processes_write_to_one_file(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite3"
    writer = PRELUDE + (
        "base = int(sys.argv[2])\n"
        "for number in range(base, base + 200):\n"
        "    log.append(make_record(number))\n"
        "    if number % 50 == 0: log.maintain()\n"
        "log.close(); assert log.status()['dropped'] == 0\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", writer, str(path), str(base)]) for base in (0, 1000, 2000)
    ]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(list(read_rows(path))) == 600


@pytest.mark.light
def test_a_locked_file_holds_up_nobody(tmp_path: Path, make_record: Any, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    started_s = time.monotonic()
    for number in range(100):
        log.append(make_record(number))
    assert time.monotonic() - started_s < 10.0  # only the first waits; a second for each would take 100
    status = log.status()
    assert (status["pending"], status["rows"]) == (100, 0)
    assert "locked" in status["last_error"]
    assert len(caplog.records) == 1
    other.execute("ROLLBACK")
    log.append(make_record(100))
    status = log.status()
    assert (status["pending"], status["rows"], status["last_error"]) == (0, 101, None)
    assert [row.request_id for row in read_rows(path)] == [f"id-{number}" for number in range(101)]
    log.close()


@pytest.mark.light
def test_waiting_records_are_bounded_and_written_by_upkeep(
    tmp_path: Path, make_record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload_sdk.log.writer.QUEUE_ROWS", 300)
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for number in range(310):
        log.append(make_record(number))
    assert (log.status()["pending"], log.status()["dropped"]) == (300, 10)
    other.execute("ROLLBACK")
    log.maintain()
    assert log.status()["pending"] == 0
    assert [row.request_id for row in read_rows(path)] == [f"id-{number}" for number in range(300)]
    log.close()


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
def test_a_full_disk(tmp_path: Path) -> None:
    path = tmp_path / "log.sqlite3"
    script = PRELUDE + (
        "import resource\n"
        "log.append(make_record(0))\n"
        "soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, hard))\n"
        "for number in range(1, 400): log.append(make_record(number))\n"
        "log.maintain()\n"
        "full = log.status()\n"
        "assert full['pending'] > 200, full\n"
        "assert full['last_error'], full\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))\n"
        "log.maintain()\n"
        "good = log.status()\n"
        "assert (good['pending'], good['rows'], good['dropped'], good['last_error']) == (0, 400, 0, None), good\n"
        "log.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("cannot be written") == 1
    assert [row.request_id for row in read_rows(path)] == [f"id-{number}" for number in range(400)]
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.light
def test_a_folder_that_cannot_be_used_until_it_can(
    tmp_path: Path, make_record: Any, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "home"
    blocked.write_text("a file where the folder should be")
    log = SqliteLog(blocked / "log.sqlite3")
    log.append(make_record(0))
    log.maintain()
    assert log.status()["rows"] is None
    assert log.status()["pending"] == 1
    assert len(caplog.records) == 1
    blocked.unlink()
    log.append(make_record(1))
    assert len(list(read_rows(blocked / "log.sqlite3"))) == 2
    log.close()


@pytest.mark.light
def test_records_that_never_reach_the_file_are_counted(tmp_path: Path, make_record: Any) -> None:
    (tmp_path / "home").touch()
    log = SqliteLog(tmp_path / "home" / "log.sqlite3")
    log.append(make_record())
    log.close()
    assert (log.status()["pending"], log.status()["dropped"]) == (0, 1)


@pytest.mark.light
@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be deleted")
def test_a_deleted_file_is_begun_anew(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    log = SqliteLog(path)
    log.append(make_record(0))
    for name in ("", "-wal", "-shm"):
        os.unlink(f"{path}{name}")
    log.maintain()
    log.append(make_record(1))
    log.close()
    assert [row.request_id for row in read_rows(path)] == ["id-1"]


@pytest.mark.light
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere")
def test_a_read_only_file(tmp_path: Path, make_record: Any) -> None:
    path = tmp_path / "log.sqlite3"
    SqliteLog(path).close()
    path.chmod(0o400)
    log = SqliteLog(path)
    log.append(make_record())
    assert log.status()["pending"] == 1
    path.chmod(0o600)
    log.close()
    assert len(list(read_rows(path))) == 1
