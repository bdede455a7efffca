"""The command: its JSON, its picture, and that every policy of the server plays by the Protocol."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.fog.__main__ import main
from benchmarks.fog.cells import cases_of
from benchmarks.fog.node import machines_of, simulate
from benchmarks.fog.parameters import Parameters
from benchmarks.fog.policies import NAMES, PAPER, make
from benchmarks.fog.workload import draw

SMALL = ("--quick", "--seeds", "2", "--requests", "30", "--workers", "1")


def document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    main((*SMALL, "--json", *arguments))
    printed = json.loads(capsys.readouterr().out)
    assert isinstance(printed, dict)
    return printed


def test_the_json_has_rows_and_claims(capsys: pytest.CaptureFixture[str]) -> None:
    printed = document(capsys)
    assert list(printed) == ["rows", "claims"]
    assert {tuple(row) for row in printed["rows"]} == {("chart", "x", "policy", "metric", "mean", "ci")}
    assert {row["chart"] for row in printed["rows"]} == set(range(1, 13))
    for chart in range(1, 13):
        rows = [row for row in printed["rows"] if row["chart"] == chart]
        assert len({row["x"] for row in rows}) == 3
        assert {row["policy"] for row in rows} >= {*PAPER, "edf"}
        assert len({row["metric"] for row in rows}) == 1
    for row in printed["rows"]:
        assert row["ci"] >= 0.0
        if row["metric"].endswith("_percent"):
            assert 0.0 <= row["mean"] <= 100.0
    assert {tuple(claim) for claim in printed["claims"]} == {("claim", "reproduced", "figure")}
    assert {type(claim["reproduced"]) for claim in printed["claims"]} == {bool}
    assert len({claim["claim"] for claim in printed["claims"]}) == len(printed["claims"])


def test_the_same_command_prints_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert document(capsys, "--seeds", "1") == document(capsys, "--seeds", "1")


def test_a_picture_and_the_data_are_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    printed = document(capsys, "--out", str(tmp_path / "new"))
    assert json.loads((tmp_path / "new" / "fog.json").read_text()) == printed
    with Image.open(tmp_path / "new" / "fog.png") as picture:
        grey = np.asarray(picture.convert("L"))
    rows, columns = grey.shape[0] // 3, grey.shape[1] // 5
    for index in range(12):  # a chart in each place
        row, column = divmod(index, 5)
        panel = grey[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns]
        assert (panel < 200).mean() > 0.01


def test_tables_are_printed_without_json(capsys: pytest.CaptureFixture[str]) -> None:
    main(SMALL)
    text = capsys.readouterr().out
    assert "chart 12: qoe_s by limit_s" in text
    assert "the proposal beats the others on success " in text


def test_a_number_below_one_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(("--seeds", "0"))
    assert "must be 1 or more" in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_every_policy_plays_by_the_protocol_in_every_world(name: str) -> None:
    base = Parameters(requests=60, window_s=8.0)
    for case in cases_of(base, seeds=1, every=3):
        parameters = case.parameters
        requests, machines = draw(parameters, case.seed), machines_of(parameters)
        endings = simulate(requests, machines, make(name, parameters), live=parameters.context_is_live)
        assert [ending.key for ending in endings] == [one.told.key for one in requests]
        assert endings == simulate(requests, machines, make(name, parameters), live=parameters.context_is_live)
