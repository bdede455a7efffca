"""The pictures to measure with: sizes, formats, the same again, and what happens when it goes wrong."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from offload_sdk.cli.app import app
from offload_sdk.errors import ConfigurationError, OffloadError
from offload_sdk.model import InputSpec, open_picture
from offload_sdk.workload import MANIFEST, WorkloadSpec, write_workload
from offload_sdk.workload.photographs import PHOTOGRAPHS, photograph
from offload_sdk.workload.picture import develop
from offload_sdk.workload.recipe import recipes

pytest.importorskip("skimage")

SMALL = WorkloadSpec(images=14, seed=3, largest_bytes=60_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("workload") / "pictures"
    write_workload(path, SMALL)
    return path


def contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_the_manifest_tells_what_lies_there(folder: Path) -> None:
    with (folder / MANIFEST).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == SMALL.images
    there = contents(folder)
    assert {row["file"] for row in rows} == set(there) - {MANIFEST, "workload.json"}
    for row in rows:
        with Image.open(folder / row["file"]) as picture:
            assert (picture.format, picture.width, picture.height) == (
                row["format"],
                int(row["width"]),
                int(row["height"]),
            )
        assert int(row["bytes"]) == (folder / row["file"]).stat().st_size
        assert row["sha256"] == there[row["file"]]
        assert row["source"] in PHOTOGRAPHS
        assert (row["quality"] == "") == (row["format"] == "PNG")


def test_sizes_are_hit_and_no_two_pictures_are_alike(folder: Path) -> None:
    with (folder / MANIFEST).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    off = [abs(int(row["bytes"]) / int(row["target_bytes"]) - 1.0) for row in rows]
    assert max(off) < 0.1
    assert sorted(off)[len(off) // 2] <= 0.02
    assert len({row["sha256"] for row in rows}) == len(rows)


@pytest.mark.parametrize("size_bytes", [2_000, 5_000_000])
def test_the_ends_of_the_range(size_bytes: int) -> None:
    recipe = recipes(WorkloadSpec(images=1, smallest_bytes=size_bytes, largest_bytes=size_bytes))[0]
    made = develop(recipe)
    assert len(made.data) == pytest.approx(size_bytes, rel=0.05)
    assert made.width * made.height < 24_000_000  # what the server takes by default
    assert 1 / 3 < made.width / made.height < 3
    open_picture(made.data, InputSpec()).tensor({})


def test_600_recipes_spread_over_sizes_formats_and_photographs() -> None:
    drawn = recipes(WorkloadSpec())
    logs = sorted(math.log(recipe.target_bytes) for recipe in drawn)
    assert math.log(2_000) <= logs[0]
    assert logs[-1] <= math.log(5_000_000) + 1e-9
    for tenth in range(1, 10):  # log-uniform: each tenth of the range of logarithms holds a tenth of the pictures
        share = sum(log < math.log(2_000) + tenth / 10 * math.log(2_500) for log in logs) / len(logs)
        assert share == pytest.approx(tenth / 10, abs=0.07)
    assert all(count >= 30 for count in Counter(recipe.format for recipe in drawn).values())
    assert {recipe.format for recipe in drawn} == {"JPEG", "PNG", "WEBP"}
    assert {recipe.photograph for recipe in drawn} == set(PHOTOGRAPHS)
    assert len({recipe.name for recipe in drawn}) == 600


def test_the_same_seed_draws_the_same_and_another_seed_others(folder: Path, tmp_path: Path) -> None:
    write_workload(tmp_path / "again", SMALL)
    assert contents(tmp_path / "again") == contents(folder)
    assert recipes(WorkloadSpec(images=5, seed=1)) != recipes(WorkloadSpec(images=5, seed=2))
    assert recipes(WorkloadSpec(images=5)) == recipes(WorkloadSpec(images=9))[:5]


def test_an_unfinished_folder_is_finished_and_a_whole_one_left_alone(folder: Path, tmp_path: Path) -> None:
    unfinished = tmp_path / "unfinished"
    write_workload(unfinished, SMALL)
    kept, *lost = sorted(path for path in unfinished.iterdir() if path.suffix != ".json")
    for path in lost:
        path.unlink()
    (unfinished / f"{lost[0].name}.part").write_bytes(b"half")
    before_ns = kept.stat().st_mtime_ns
    write_workload(unfinished, SMALL)
    assert contents(unfinished) == contents(folder)
    assert kept.stat().st_mtime_ns == before_ns


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_interrupted_and_started_again(how: signal.Signals, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "interrupted"
    command = [sys.executable, "-m", "offload_sdk", "workload", str(target)]
    command += ["--images", "14", "--seed", "3", "--largest", "60000"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    end_s = time.monotonic() + 60
    while len(list(target.glob("0*"))) < 3 and process.poll() is None and time.monotonic() < end_s:
        time.sleep(0.002)
    process.send_signal(how)
    _, error = process.communicate(timeout=120)
    assert "Traceback" not in error
    assert subprocess.run(command, check=False, timeout=120).returncode == 0
    assert contents(target) == contents(folder)


def test_another_workload_and_foreign_files_are_not_mixed_in(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="another workload"):
        write_workload(folder, WorkloadSpec(images=15, seed=3, largest_bytes=60_000))
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    with pytest.raises(ConfigurationError, match="not empty"):
        write_workload(tmp_path, SMALL)


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OffloadError, match="cannot be written"):
        write_workload(tmp_path / "file" / "below", SMALL)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told(tmp_path: Path) -> None:
    target = tmp_path / "full"
    write_workload(target, WorkloadSpec(images=1, largest_bytes=3_000))
    picture = next(target.glob("0*"))
    picture.unlink()
    os.symlink("/dev/full", target / f"{picture.name}.part")
    with pytest.raises(OffloadError, match="No space left"):
        write_workload(target, WorkloadSpec(images=1, largest_bytes=3_000))


@pytest.mark.parametrize(
    "wrong",
    [
        {"images": 0},
        {"smallest_bytes": 100},
        {"largest_bytes": 50_000_000},
        {"smallest_bytes": 9_000, "largest_bytes": 8_000},
    ],
)
def test_impossible_workloads_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError):
        WorkloadSpec(**wrong)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_every_photograph_is_in_the_wheel(name: str) -> None:
    assert min(photograph(name).size) >= 300


def test_the_command(tmp_path: Path) -> None:
    run = CliRunner().invoke
    options = ["--images", "3", "--largest", "20000"]
    done = run(app, ["workload", str(tmp_path / "w"), *options, "--json"])
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["images"] == 3
    assert document["bytes"] == sum(path.stat().st_size for path in (tmp_path / "w").glob("0*"))
    assert "3 pictures" in run(app, ["workload", str(tmp_path / "w"), *options]).stdout
    assert run(app, ["workload", str(tmp_path / "w"), "--images", "4"]).exit_code == 2
