"""The command: its JSON, its picture, and that every policy of the server plays by the Protocol."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.fog.__main__ import main
from benchmarks.fog.cells import cases_of, serve
from benchmarks.fog.parameters import Parameters
from benchmarks.fog.policies import NAMES, PAPER
from benchmarks.fog.workload import draw

SMALL = ("--quick", "--seeds", "2", "--requests", "20", "--workers", "1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the command has written to; what it printed is in `printed.json`."""
    pytest.importorskip("matplotlib")
    folder = tmp_path_factory.mktemp("fog") / "new"
    with redirect_stdout(StringIO()) as stream:
        main((*SMALL, "--json", "--out", str(folder)))
    (folder / "printed.json").write_text(stream.getvalue())
    return folder


def test_the_json_has_rows_and_claims(folder: Path) -> None:
    printed = json.loads((folder / "printed.json").read_text())
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


def test_the_data_are_written_as_printed(folder: Path) -> None:
    assert json.loads((folder / "fog.json").read_text()) == json.loads((folder / "printed.json").read_text())


def test_the_picture_has_a_chart_in_each_of_twelve_places(folder: Path) -> None:
    with Image.open(folder / "fog.png") as picture:
        grey = np.asarray(picture.convert("L"))
    rows, columns = grey.shape[0] // 3, grey.shape[1] // 5
    for index in range(12):
        row, column = divmod(index, 5)
        panel = grey[row * rows : (row + 1) * rows, column * columns : (column + 1) * columns]
        assert (panel < 200).mean() > 0.01


def test_the_same_command_prints_the_same_in_other_processes_too(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main((*SMALL, "--json", "--workers", "2"))
    assert capsys.readouterr().out == (folder / "printed.json").read_text()


def test_tables_are_printed_without_json(capsys: pytest.CaptureFixture[str]) -> None:
    main((*SMALL, "--seeds", "1"))
    text = capsys.readouterr().out
    assert "chart 12: qoe_s by limit_s" in text
    assert "the proposal beats the others on success " in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seeds", "0"), "must be a whole number from 1"),
        (("--requests", "many"), "must be a whole number from 1"),
        (("--out", __file__), "--out: "),
    ],
)
def test_a_mistake_is_told_before_anything_runs(
    arguments: tuple[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_every_policy_plays_by_the_protocol_in_every_world(name: str) -> None:
    for case in cases_of(Parameters(requests=20, window_s=3.0), seeds=[1]):
        requests = draw(case.parameters, case.seed)
        endings = serve(case.parameters, requests, name)
        assert [ending.key for ending in endings] == [one.told.key for one in requests]
        assert endings == serve(case.parameters, requests, name)
