"""Killed at any moment, the experiment goes on where it was, and nothing is measured twice."""

from __future__ import annotations

import csv
import json
import random
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest
from baseline_kit import Command, Start, write_pictures
from offload_kit import images_sent, until

from offload_sdk.baseline.journal import FILE_NAME
from offload_sdk.baseline.run import WARM_UPS
from offload_sdk.testing import FaultyServer, LinkEmulator

IMAGES, REPEAT = 8, 3
SLOWLY_S = 90.0  # a process starts in one second, or in twenty where all the others do so too
KEYS = IMAGES * REPEAT * 2  # two forms of upload


def _measured(out: Path) -> int:
    journal = out / FILE_NAME
    return journal.read_bytes().count(b'{"kind":"measured"') if journal.exists() else 0


def _keys(out: Path) -> list[tuple[object, ...]]:
    lines = [json.loads(line) for line in (out / FILE_NAME).read_text().splitlines()]
    found = [line["measurement"] for line in lines if line["kind"] == "measured"]
    return [(m["run"], m["image"], m["target"], m["payload"]) for m in found]


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_killed_at_random_moments_it_measures_everything_exactly_once(
    tmp_path: Path, start: Start, command: Command
) -> None:
    """What the server was sent is every measurement, the warm-ups of each process, and what each kill cut off."""
    pictures, out = write_pictures(tmp_path / "pictures", IMAGES), tmp_path / "out"
    rng = random.Random(3)
    kills = 3
    with FaultyServer() as server, LinkEmulator(server.url, rtt_ms=12.0) as link:
        arguments = (pictures, "--target", f"a={link.url}", "--repeat", str(REPEAT), "--out", out)
        for number in range(kills):
            process = start(*arguments)
            wanted = (number + 1) * KEYS // (kills + 2) + rng.randrange(5)
            until(lambda wanted=wanted: _measured(out) >= wanted, f"{wanted} images are measured", SLOWLY_S)  # type: ignore[misc]
            process.kill()
            process.communicate()
            assert not (out / "summary.json").exists()
        done = command(*arguments)
        sent = len(images_sent(server))
    assert done.returncode == 0, done.stderr
    keys = _keys(out)
    assert len(keys) == len(set(keys)) == KEYS
    warm_ups = (kills + 1) * WARM_UPS * 2
    assert KEYS + warm_ups <= sent <= KEYS + warm_ups + kills
    with (out / "images.csv").open(newline="") as stream:
        rows = Counter((row["run"], row["image"]) for row in csv.DictReader(stream))
    assert len(rows) == IMAGES * REPEAT
    assert set(rows.values()) == {1}
    (target,) = json.loads((out / "summary.json").read_text())["targets"]
    assert [run["images"] for run in target["runs"]] == [IMAGES] * REPEAT


@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_ctrl_c_stops_gently_and_says_how_to_go_on(tmp_path: Path, start: Start) -> None:
    pictures, out = write_pictures(tmp_path / "pictures", IMAGES), tmp_path / "out"
    with FaultyServer() as server, LinkEmulator(server.url, rtt_ms=30.0) as link:
        process = start(pictures, "--target", f"a={link.url}", "--repeat", str(10 * REPEAT), "--out", out)
        until(lambda: _measured(out) >= 5, "some images are measured", SLOWLY_S)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith(f"kept in {out}: start the same command again to go on\n")
    assert "Traceback" not in err
    assert [path.name for path in out.iterdir()] == [FILE_NAME]
    lines = (out / FILE_NAME).read_text().splitlines()
    assert json.loads(lines[-1])["kind"] == "session"  # machine and links as they were at the end


def test_a_second_process_is_told_and_disturbs_nothing(tmp_path: Path, start: Start, command: Command) -> None:
    pictures, out = write_pictures(tmp_path / "pictures", IMAGES), tmp_path / "out"
    with FaultyServer() as server:
        arguments = (pictures, "--target", f"a={server.url}", "--out", out)
        start(*arguments, OFFLOAD_REMOTE_TIMEOUT_S="1000")
        until(lambda: _measured(out) >= 1, "an image is measured", SLOWLY_S)
        server.fail("black_hole")
        until(lambda: server.requests[-1].fault == "black_hole", "it waits for an answer", SLOWLY_S)
        before = (out / FILE_NAME).read_bytes()
        second = command(*arguments)
        assert second.returncode == 1
        assert "another process is measuring into" in second.stderr
        assert (out / FILE_NAME).read_bytes() == before
