"""`offload-sdk baseline` from one end to the other."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from baseline_kit import write_pictures
from offload_kit import give_model, images_sent
from typer.testing import CliRunner, Result

from offload_sdk.baseline.journal import FILE_NAME
from offload_sdk.cli.app import app
from offload_sdk.testing import FaultyServer

NO_SERVER = "a=http://127.0.0.1:9"  # discard: nothing listens there


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = write_pictures(tmp_path / "pictures", 4)
    (folder / "notes.txt").write_text("no picture")
    return folder


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["baseline", *map(str, arguments)])


def test_a_device_and_a_server_side_by_side(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_model(Path(os.environ["OFFLOAD_HOME"]))
    monkeypatch.setenv("OFFLOAD_MODEL", "efficientnet_lite0")
    monkeypatch.setenv("OFFLOAD_TOKEN", "hush9")
    out = tmp_path / "out"
    with FaultyServer() as server:
        done = _run(
            *(pictures, "--target", "local", "--target", f"fargate={server.url}"),
            *("--repeat", "2", "--out", out, "--json"),
        )
        sent = images_sent(server)
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert summary == json.loads((out / "summary.json").read_text())
    assert "passed over, as no image: 1 (notes.txt" in done.stderr
    local, fargate = summary["targets"]
    assert (local["name"], local["original"], len(local["runs"])) == ("local", None, 2)
    assert (fargate["platform"], fargate["platform_assumed"]) == ("fargate", False)
    for series in (local, fargate, fargate["original"]):
        assert series["failures"] == 0
        assert 0.0 < series["mean_s"] < series["mean_total_s"]
        assert series["sd_total_s"] is not None
    assert summary["machine"]["model"] == "efficientnet_lite0"
    assert summary["links"]["fargate"]["rtt_s"] > 0.0
    with (out / "images.csv").open(newline="") as stream:
        rows = Counter((row["target"], row["run"]) for row in csv.DictReader(stream))
    assert rows == {(name, run): 4 for name in ("local", "fargate") for run in "12"}
    assert {request.headers["authorization"] for request in sent} == {"Bearer hush9"}
    assert "hush9" not in done.output
    assert {"report.html", "images.csv", "summary.json"} <= {path.name for path in out.iterdir()}
    for path in out.iterdir():
        assert b"hush9" not in path.read_bytes(), path


def test_published_runs_are_imported(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("platform,total_s,mean_s,cost_usd\nEC2,1724.15,2.87,0.09\n")
    done = _run("--import", tmp_path / "runs.csv", "--out", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    summary = json.loads(done.stdout)
    assert (summary["imported"], summary["targets"][0]["mean_total_s"]) == (True, 1724.15)
    assert {"summary.json", "report.html"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert not (tmp_path / "out" / "images.csv").exists()


def test_a_server_that_does_not_answer_is_told_before_anything_is_measured(tmp_path: Path, pictures: Path) -> None:
    with FaultyServer() as server:
        done = _run(pictures, "--target", f"b={server.url}", "--target", NO_SERVER, "--out", tmp_path / "out")
        assert images_sent(server) == []
    assert done.exit_code == 1
    assert "a (http://127.0.0.1:9) does not answer: no connection" in done.stderr
    assert (tmp_path / "out" / FILE_NAME).read_bytes() == b""


def test_a_wrong_token_is_told_before_anything_is_measured(tmp_path: Path, pictures: Path) -> None:
    with FaultyServer(fault="http_401") as server:
        done = _run(pictures, "--target", f"a={server.url}", "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "HTTP 401" in done.stderr
    assert "check OFFLOAD_TOKEN" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--target", NO_SERVER), "nothing to send"),
        (("nowhere", "--target", NO_SERVER), "there is no file or folder"),
        (("{pictures}",), "nothing to measure"),
        (("{pictures}", "--target", NO_SERVER, "--platform", "b=ec2"), "'b' is no server among the targets"),
        (("{pictures}", "--import", "runs.csv"), "no IMAGES, --target, --platform"),
        (("--import", "runs.csv"), "runs.csv cannot be read"),
        (("{pictures}", "--target", NO_SERVER, "--repeat", "0"), "--repeat"),
        (("{pictures}", "--target", NO_SERVER, "--payload", "half"), "--payload"),
    ],
)
def test_wrong_usage_is_one_clear_error(
    tmp_path: Path, pictures: Path, arguments: tuple[str, ...], words: str
) -> None:
    filled = [argument.format(pictures=pictures) for argument in arguments]
    done = _run(*filled, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert words in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("missing", ["jinja2", "matplotlib"])
def test_what_the_report_needs_is_looked_for_before_anything_is_measured(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    done = _run(pictures, "--target", NO_SERVER, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "pip install 'offload-sdk[report]'" in done.stderr
    assert not (tmp_path / "out").exists()


def test_tensors_are_no_whole_files(tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = {"name": "kserve", "url": "http://127.0.0.1:9", "protocol": "open-inference", "model": "m"}
    monkeypatch.setenv("OFFLOAD_ENDPOINTS", json.dumps([endpoint]))
    done = _run(pictures, "--target", "kserve", "--payload", "original", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "kserve takes tensors, not files" in done.stderr
