"""`images.csv` and `summary.json`: their shape, and that they appear whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from baseline_kit import measured

from offload_sdk.baseline.files import images_csv, summary_dict, write_results
from offload_sdk.baseline.summarise import series_of
from offload_sdk.baseline.summary import Summary, Target
from offload_sdk.errors import OffloadError

BOTH = [
    measured(payload="original", latency_s=0.5, sent_bytes=900, position=1),
    measured(payload="sdk", latency_s=0.2, sent_bytes=90, position=2),
    measured(target="local", latency_s=0.3, label="=cmd", image="-x.jpg"),
]


def _rows(measurements: list) -> list[dict[str, str]]:  # type: ignore[type-arg]
    return list(csv.DictReader(io.StringIO(images_csv(measurements))))


def _summary() -> Summary:
    series = series_of("sdk", [BOTH[1]], lambda total_s, energy_j: 0.01)
    original = series_of("original", [BOTH[0]], lambda total_s, energy_j: 0.02)
    cloud = Target(name="cloud", path="remote", series=series, original=original, platform="ec2")
    return Summary(targets=(cloud,), repeat=1, images=1, image_bytes=1000, machine={"cores": 4})


def test_there_is_a_row_per_run_image_and_target_with_the_whole_file_beside() -> None:
    cloud, local = _rows(BOTH)
    assert (cloud["target"], cloud["run"], cloud["image"], cloud["payload"]) == ("cloud", "1", "a.jpg", "sdk")
    assert (cloud["latency_s"], cloud["sent_bytes"], cloud["position"]) == ("0.2", "90", "2")
    assert (cloud["original_latency_s"], cloud["original_sent_bytes"]) == ("0.5", "900")
    assert (local["target"], local["latency_s"], local["original_latency_s"]) == ("local", "0.3", "")
    assert cloud["failure"] == cloud["server_s"] == ""


def test_whole_files_alone_stand_in_the_plain_columns() -> None:
    (row,) = _rows(BOTH[:1])
    assert (row["payload"], row["latency_s"], row["original_latency_s"]) == ("original", "0.5", "")


def test_a_spreadsheet_runs_nothing_of_it() -> None:
    row = _rows(BOTH)[1]
    assert (row["image"], row["label"]) == ("'-x.jpg", "'=cmd")


def test_a_target_holds_the_figures_of_its_own_series_and_the_whole_files_nested() -> None:
    (target,) = summary_dict(_summary())["targets"]
    assert (target["name"], target["payload"], target["mean_total_s"], target["platform"]) == (
        "cloud",
        "sdk",
        0.2,
        "ec2",
    )
    (run,) = target["runs"]
    assert {"total_s", "mean_s", "cost_usd", "energy_j", "failures"} <= run.keys()
    assert {"mean_total_s", "sd_total_s", "mean_s", "sd_s", "mean_cost_usd"} <= target.keys()
    assert target["original"]["mean_total_s"] == 0.5


def test_both_files_are_written_and_nothing_is_left_beside_them(tmp_path: Path) -> None:
    written = write_results(_summary(), BOTH, tmp_path)
    assert sorted(path.name for path in written) == ["images.csv", "summary.json"]
    assert sorted(tmp_path.iterdir()) == sorted(written)
    assert json.loads((tmp_path / "summary.json").read_text())["machine"] == {"cores": 4}


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "summary.json").mkdir()
    with pytest.raises(OffloadError, match=r"summary\.json cannot be written"):
        write_results(_summary(), BOTH, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["summary.json"]
