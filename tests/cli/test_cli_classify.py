"""`offload-sdk classify` as its users meet it: in a process, through pipes, with good and bad input."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_one_object_a_line_in_input_order(command: Any, pictures: Path) -> None:
    given = [f"{pictures}/./b.png", f"{pictures}/notes.txt", f"{pictures}/absent.jpg", f"{pictures}/a.jpg"]
    done = command("classify", *given, "--json", "--policy", "local", "--top-k", "2")
    assert done.returncode == 1
    assert done.stderr == ""
    good, text, absent, last = _lines(done.stdout)
    assert [line["image"] for line in (good, text, absent, last)] == given
    assert set(text) == set(absent) == {"image", "error"}
    for line in (good, last):
        assert {"labels", "path", "endpoint", "model", "latency_s", "timings", "fallback", "hedged"} < set(line)
        assert {"decision", "request_id"} < set(line)
        assert len(line["labels"]) == 2
        assert line["path"] == "local"


def test_a_folder_gives_its_pictures_by_name(command: Any, pictures: Path) -> None:
    done = command("classify", pictures, "--json")
    assert done.returncode == 0
    assert [line["image"] for line in _lines(done.stdout)] == [f"{pictures}/a.jpg", f"{pictures}/b.png"]
    done = command("classify", pictures / "empty")
    assert done.returncode == 1
    assert "is a folder" in done.stderr


def test_a_line_for_people(command: Any, pictures: Path) -> None:
    done = command("classify", pictures / "a.jpg", pictures / "notes.txt", "-v")
    assert done.returncode == 1
    first, others, reason = done.stdout.splitlines()
    assert first.startswith(f"{pictures}/a.jpg: ")
    assert first.endswith(" ms")
    assert ", local, " in first
    assert others.startswith("    or ")
    assert "local" in reason
    assert done.stderr.startswith(f"{pictures}/notes.txt: error: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_photograph_is_recognised(command: Any, shared_data: Path) -> None:
    photograph = next((shared_data / "images" / "labelled").glob("*_tench.JPEG"))
    done = command("classify", photograph, "--json")
    assert _lines(done.stdout)[0]["labels"][0]["name"] == "tench"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
def test_a_name_that_is_not_unicode(command: Any, pictures: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\x1b[31m.jpg")
    Path(odd).write_bytes((pictures / "a.jpg").read_bytes())
    done = command("classify", odd, "--json", LC_ALL="C.UTF-8")
    assert _lines(done.stdout)[0]["image"] == odd
    done = command("classify", odd, LC_ALL="C")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "says"),
    [
        (["--policy", "best"], {}, "OFFLOAD_POLICY"),
        ([], {"OFFLOAD_DEADLINE_S": "soon"}, "OFFLOAD_DEADLINE_S"),
        (["--server", "ftp://x"], {}, "OFFLOAD_SERVER_URL"),
        (["--deadline", "-1"], {}, "OFFLOAD_DEADLINE_S"),
    ],
)
def test_a_wrong_setting_is_one_line_and_status_2(
    command: Any, pictures: Path, arguments: list[str], environment: dict[str, str], says: str
) -> None:
    done = command("classify", pictures / "a.jpg", *arguments, **environment)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: wrong configuration")
    assert says in done.stderr


def test_a_missing_model_is_one_line_and_status_1(command: Any, pictures: Path) -> None:
    done = command("classify", pictures / "a.jpg", "--model", "mobilenet_v3_small")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert "models pull mobilenet_v3_small" in done.stderr


def test_a_reader_that_leaves_early_is_no_error_message(start: Any, pictures: Path) -> None:
    process = start("classify", *[pictures / "a.jpg"] * 500, "--json")
    assert json.loads(process.stdout.readline())["path"] == "local"
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_ends_it_cleanly_and_the_log_keeps_what_was_answered(
    start: Any, command: Any, pictures: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log.sqlite3"
    process = start("classify", *[pictures / "a.jpg"] * 2000, "--json", OFFLOAD_LOG__PATH=str(log))
    answers = [json.loads(process.stdout.readline())]
    process.send_signal(signal.SIGINT)
    answers += _lines(process.stdout.read())
    assert process.wait(60) == 130
    assert process.stderr.read() == ""
    assert len(answers) < 2000
    logged = command("report", log, "--jsonl", "-")
    assert {answer["request_id"] for answer in answers} <= {row["request_id"] for row in _lines(logged.stdout)}
