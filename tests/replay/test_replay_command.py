"""`offload-sdk replay` on logs as they are: one that is being written, one too short, files that are none."""

from __future__ import annotations

import io
import json
import math
import os
from dataclasses import replace
from pathlib import Path

import pytest
from offload_kit import jpeg, make, until
from rich.console import Console
from rich.measure import Measurement
from typer.testing import CliRunner, Result
from worlds import log, moments, named

from offload_sdk._latency import Mode
from offload_sdk._types import Latency
from offload_sdk.cli.app import app
from offload_sdk.log import SqliteLog, read_rows
from offload_sdk.replay import replay
from offload_sdk.replay.render import rich_tables
from offload_sdk.testing import FaultyServer

runner = CliRunner()


def run(*arguments: object) -> Result:
    return runner.invoke(app, ["replay", *map(str, arguments)])


def written(path: Path, count: int, **how: object) -> Path:
    store = SqliteLog(path)
    for row in log(moments(count, 1), named("latency"), **how):  # type: ignore[arg-type]
        store.append(row)
    store.close()
    return path


@pytest.fixture(scope="module")
def shadowed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("logs") / "log.sqlite3", 200, shadow_rate=0.5, seed=1, deadline_s=0.2)


def test_a_log_that_a_device_is_writing_is_replayed_and_left_as_it_is(tmp_path: Path) -> None:
    with (
        FaultyServer() as server,
        make(tmp_path, server.url, policy="local", log={"shadow_rate": 1.0}) as offloader,
    ):
        path = offloader.config.log_path
        for number in range(24):
            offloader.classify(jpeg(number))
            until(lambda n=number: len(list(read_rows(path))[n].outcomes) == 2, "the shadow run is in the log")
        before = path.stat().st_mtime_ns, [row.request_id for row in read_rows(path)]
        result = run(path, "--policy", "remote", "--json")
        assert (path.stat().st_mtime_ns, [row.request_id for row in read_rows(path)]) == before
        offloader.classify(jpeg(1))  # the device goes on writing
        times = [
            outcome.latency_s for row in read_rows(path) for outcome in row.outcomes if outcome.path == "remote"
        ]
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["images"], found["policies"], found["shadowed"]) == (24, {"local": 24}, 24)
    assert found["is_evidence"]
    value, low, high = found["estimates"][found["recommended"]]["latency_mean_s"]
    assert low <= value <= high
    assert min(times) <= value <= max(times) + 1.0
    assert found["estimates"]["shadowed"]["options"]["edge"][0] == pytest.approx(1.0)


def test_json_is_one_object_of_plain_numbers(shadowed: Path) -> None:
    result = run(shadowed, "--policy", "remote", "--json")
    (line,) = result.stdout.splitlines()
    found = json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert found["policy"] == "remote"
    assert set(found["estimates"]) == {"shadowed", "inverse_propensity", "direct", "doubly_robust"}
    assert [reference["policy"] for reference in found["references"]] == ["local", "remote"]
    assert math.isclose(sum(share[0] for share in found["own"]["options"].values()), 1.0)


def test_a_pipe_gets_lines_that_name_the_answer_and_its_method(shadowed: Path) -> None:
    result = run(shadowed, "--policy", "local")
    assert result.exit_code == 0
    assert "local would have taken" in result.stdout
    assert "doubly robust *" in result.stdout
    assert "best in hindsight" in result.stdout
    assert "\x1b" not in result.stdout


def test_the_tables_fit_a_terminal_of_eighty_columns(shadowed: Path) -> None:
    found = replay(read_rows(shadowed), named("remote"), name="remote", timeout_s=10.0, resamples=10)
    console = Console(file=io.StringIO(), width=80)
    for table in rich_tables(found):
        assert Measurement.get(console, console.options, table).minimum <= 80
        console.print(table)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "doubly robust *" in shown
    assert "…" not in shown


def test_a_read_only_log_is_enough(shadowed: Path) -> None:
    os.chmod(shadowed, 0o444)
    assert run(shadowed, "--policy", "local", "--json").exit_code == 0


def test_what_the_log_cannot_tell_is_said_and_not_estimated(tmp_path: Path) -> None:
    path = written(tmp_path / "log.sqlite3", 60)
    found = json.loads(run(path, "--policy", "remote", "--json").stdout)
    assert set(found["estimates"]) == {"direct"}
    assert not found["is_evidence"]
    assert found["unsupported_frac"] > 0.3
    assert "cannot tell" in run(path, "--policy", "remote").stdout


def test_a_log_keeps_the_whole_law_of_a_predicted_time(tmp_path: Path) -> None:
    """`auto` weighs a hedge by the law's shape; from its two moments alone it would decide otherwise."""
    law = Latency.mixed(0.001, (Mode(0.9, -3.0, 0.2), Mode(0.1, -1.0, 0.7)))
    (row,) = log(moments(1, 1), named("remote"))
    cloud = replace(row.decision.predicted["cloud"], latency=law)
    decision = replace(row.decision, predicted={**row.decision.predicted, "cloud": cloud})
    store = SqliteLog(tmp_path / "log.sqlite3")
    store.append(replace(row, decision=decision))
    store.close()
    (back,) = read_rows(tmp_path / "log.sqlite3")
    assert back.decision.predicted["cloud"].latency == law
    assert back.decision.predicted == decision.predicted


def test_the_replayed_stretch_can_be_chosen(shadowed: Path) -> None:
    middle = list(read_rows(shadowed))[150].wall_s
    found = json.loads(run(shadowed, "--policy", "local", "--json", "--since", _iso(middle)).stdout)
    assert found["images"] == 50


@pytest.mark.parametrize(
    ("content", "arguments", "status", "message"),
    [
        (b"no log", ["--policy", "local"], 2, "is not a log"),
        (None, ["--policy", "local"], 2, "there is no log"),
        ("log", ["--policy", "fastest"], 2, "policy"),
        ("log", [], 2, "--policy"),
        (0, ["--policy", "local"], 1, "holds no images"),
        (1, ["--policy", "local"], 1, "holds 1 image;"),
    ],
)
def test_what_cannot_be_replayed_is_one_line(
    tmp_path: Path,
    shadowed: Path,
    content: bytes | str | int | None,
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    path = tmp_path / "log.sqlite3"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, int):
        written(path, content)
    elif content == "log":
        path = shadowed
    result = run(path, *arguments)
    assert result.exit_code == status
    assert message in result.output
    assert "Traceback" not in result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def _iso(wall_s: float) -> str:
    from datetime import datetime, timezone

    return datetime.fromtimestamp(wall_s, timezone.utc).isoformat()
