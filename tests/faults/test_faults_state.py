"""What happens to the device: killed processes, a full disk, a clock that is set, damaged files."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from offload_kit import give_model, jpeg, make, rows, until

from offload_sdk import Offloader
from offload_sdk.log import read_rows
from offload_sdk.testing import FaultyServer

LOOP = """
import sys
from offload_sdk import classify
while True:
    print(classify(sys.argv[1]).request_id, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
@pytest.mark.parametrize("policy", ["local", "remote"])
def test_a_killed_process_has_logged_every_image_it_answered(policy: str, tmp_path: Path) -> None:
    picture = tmp_path / "picture.jpg"
    picture.write_bytes(jpeg())
    give_model(tmp_path)
    printed: list[str] = []
    rng = random.Random(policy)
    with FaultyServer() as server:
        environment = {
            **os.environ,
            "OFFLOAD_HOME": str(tmp_path),
            "OFFLOAD_MODEL": "efficientnet_lite0",
            "OFFLOAD_THREADS": "1",
            "OFFLOAD_POLICY": policy,
            "OFFLOAD_SERVER_URL": server.url,
            "OFFLOAD_LOG__SHADOW_RATE": "0.5",
        }
        for _ in range(3):
            process = subprocess.Popen(
                [sys.executable, "-c", LOOP, str(picture)], stdout=subprocess.PIPE, text=True, env=environment
            )
            assert process.stdout is not None
            printed += [process.stdout.readline().strip() for _ in range(3)]
            time.sleep(rng.uniform(0.0, 0.25))
            process.send_signal(signal.SIGKILL)
            rest, _ = process.communicate(timeout=20)
            printed += [line for line in rest.split("\n")[:-1] if line]  # the last line may be cut off
    logged = {row.request_id: row for row in read_rows(tmp_path / "log.sqlite3")}
    assert len(printed) >= 9
    assert len(set(printed)) == len(printed)
    assert set(printed) <= set(logged)
    assert all(row.labels for row in logged.values())
    assert len(logged) <= len(printed) + 3  # at most the one image that each kill interrupted


def test_a_log_that_cannot_grow_costs_no_answer(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk: every write past it fails."""
    pytest.importorskip("resource")
    code = """
import resource, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from offload_kit import jpeg, make, rows
with make(Path(sys.argv[2])) as offloader:
    first = offloader.classify(jpeg()).request_id
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = max(f.stat().st_size for f in Path(sys.argv[2]).glob("log.sqlite3*"))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, hard))
    ids = [offloader.classify(jpeg(turn % 5)).request_id for turn in range(40)]
    waiting = offloader.status()["log"]["pending"]
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
print(first, *ids)
print(waiting)
"""
    tests = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code, str(tests), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    ids, waiting = done.stdout.splitlines()
    assert len(set(ids.split())) == 41
    assert int(waiting) > 0, "the limit was never met, so this shows nothing"
    # Space is back before the process ends: nothing is lost.
    assert {row.request_id for row in read_rows(tmp_path / "log.sqlite3")} == set(ids.split())


def test_a_home_in_which_nothing_can_be_written_still_classifies(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    log = {"path": str(blocked / "log.sqlite3")}
    with make(tmp_path, log=log) as offloader:
        assert offloader.classify(jpeg()).labels
        status = offloader.status()["log"]
    assert status["last_error"]


class WallClock:
    """A clock of the day that somebody sets, beside the monotonic one that nobody can."""

    def __init__(self) -> None:
        self.now_s = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.light
def test_a_clock_that_is_set_changes_nothing_but_the_date_in_the_log(tmp_path: Path) -> None:
    """A board without a battery-backed clock starts in 1970 and jumps once it has a network."""
    wall = WallClock()
    with FaultyServer() as server, make(tmp_path, server.url, policy="auto") as offloader:
        parts = offloader._parts
        parts.wall = wall
        results = []
        for now_s in (0.0, 1_700_000_000.0, 1_600_000_000.0, 4_000_000_000.0):
            wall.now_s = now_s
            results += [offloader.classify(jpeg(), deadline_s=5.0) for _ in range(3)]
        logged = rows(offloader)
    assert all(result.labels and 0.0 < result.latency_s < 5.0 for result in results)
    assert [row.wall_s for row in logged] == [now_s for now_s in (0.0, 1.7e9, 1.6e9, 4e9) for _ in range(3)]
    assert [row.request_id for row in logged] == [result.request_id for result in results]


def test_a_log_that_is_deleted_under_a_running_program_is_made_anew(tmp_path: Path) -> None:
    with make(tmp_path) as offloader:
        offloader.classify(jpeg())
        for file in tmp_path.glob("log.sqlite3*"):
            file.unlink()
        offloader._parts.log.maintain()
        result = offloader.classify(jpeg())
        assert [row.request_id for row in rows(offloader)] == [result.request_id]


def test_a_log_of_rubbish_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "log.sqlite3").write_bytes(os.urandom(20_000))
    with make(tmp_path) as offloader:
        result = offloader.classify(jpeg())
        assert result.request_id in {row.request_id for row in rows(offloader)}
    assert len(list(tmp_path.glob("log.sqlite3*"))) >= 2  # the rubbish is kept, under another name


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema_version": 99}', b"\xff\xfe\x00"])
def test_a_damaged_profile_costs_a_warning_and_no_image(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "profile.json"
    file.write_bytes(content)
    with make(tmp_path) as offloader:
        assert offloader.classify(jpeg()).labels
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert str(file) in warning
    assert "calibrate" in warning
    assert "\n" not in warning
    assert file.read_bytes() == content


def test_many_offloaders_side_by_side_share_one_log(tmp_path: Path) -> None:
    made: list[Offloader] = []
    try:
        made += [make(tmp_path) for _ in range(3)]
        ids = [one.classify(jpeg(turn)).request_id for turn in range(4) for one in made]
        until(lambda: len(rows(made[0])) == len(ids), "every row was written")
        assert {row.request_id for row in rows(made[0])} == set(ids)
    finally:
        for one in made:
            one.close()
