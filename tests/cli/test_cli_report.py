"""`offload-sdk report` over a log that was written by hand."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from offload_sdk._types import Decision, Estimate, ImageInfo, Latency, Outcome, Record, Snapshot
from offload_sdk.cli.app import app
from offload_sdk.cli.report import parse_since
from offload_sdk.errors import ConfigurationError
from offload_sdk.log import SqliteLog

pytestmark = pytest.mark.light
START_WALL_S = 2_100_000_000.0  # in 2036: not too old for the log, and not past what 32 bits hold


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.sqlite3"
    store = SqliteLog(path)
    for number in range(10):
        outcome = Outcome(
            option="local",
            path="local",
            status="success",
            role="answer",
            started_s=0.0,
            latency_s=0.02 + 0.01 * number,
        )
        store.append(
            Record(
                request_id=f"id-{number}",
                wall_s=START_WALL_S + 60.0 * number,
                image=ImageInfo(format="JPEG", width=4, height=4),
                snapshot=Snapshot(taken_s=0.0),
                decision=Decision(
                    chosen="local",
                    path="local",
                    policy="auto",
                    reason="",
                    predicted={
                        "local": Estimate(option="local", path="local", latency=Latency(mean_s=0.06, sd_s=0.01))
                    },
                ),
                outcomes=(outcome,),
                labels=(),
                path="local",
                endpoint=None,
                model="m",
                latency_s=outcome.latency_s,
                timings={},
            )
        )
    store.close()
    return path


def _run(*arguments: str | Path, status: int = 0) -> str:
    done = CliRunner().invoke(app, ["report", *map(str, arguments)])
    assert done.exit_code == status, done.output
    return done.stdout


def test_the_table(log: Path) -> None:
    text = _run(log)
    assert text.startswith("10 images, 10 answered")
    assert "65.0 ms" in text


def test_json(log: Path) -> None:
    document = json.loads(_run(log, "--json"))
    assert document["options"][0]["latency_s"]["mean"] == pytest.approx(0.065)


def test_the_configured_log_is_the_default(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_LOG__PATH", str(log))
    assert _run().startswith("10 images")


def test_csv_and_json_lines(log: Path, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(_run(log, "--csv", "-"))))
    assert [row["request_id"] for row in rows] == [f"id-{number}" for number in range(10)]
    target = tmp_path / "rows.jsonl"
    assert _run(log, "--jsonl", target) == ""
    assert len(target.read_text().splitlines()) == 10
    _run(log, "--csv", tmp_path / "absent" / "rows.csv", status=1)


def test_since(log: Path) -> None:
    assert _run(log, "--since", "2036-07-18T13:25:00+00:00").startswith("5 images")
    assert _run(log, "--since", "2037-01-01") == "The log holds no images.\n"


def test_a_page_without_images(log: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    _run(log, "--since", "2037-01-01", "--html", page)
    assert "The log holds no images." in page.read_text()


def test_a_page_and_a_picture(log: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    page, picture = tmp_path / "page.html", tmp_path / "picture.png"
    assert _run(log, "--html", page, "--chart", picture) == ""
    assert "<svg" in page.read_text()
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_spans_and_moments() -> None:
    assert parse_since("90m", 10_000.0) == 4600.0
    assert parse_since("1.5d", 200_000.0) == 70_400.0
    assert parse_since("1970-01-02T00:00:00Z", 0.0) == 86400.0
    with pytest.raises(ConfigurationError, match="neither a time"):
        parse_since("yesterday", 0.0)
