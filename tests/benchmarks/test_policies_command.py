"""The command over a folder of traces: what it prints, and that it prints it again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.policies.__main__ import main
from benchmarks.policies.cells import POLICIES
from benchmarks.policies.summary import half_width, quantile

CELL_KEYS = {
    "trace",
    "board_ms",
    "payload_bytes",
    "policy",
    "mean_ratio",
    "p99_ratio",
    "miss_frac",
    "duplicate_frac",
    "probe_frac",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rates in (("wifi_a", (20, 3, 9)), ("lte_b", (5, 0, 2))):
        lines = [f"{second},{mbps},{30 + second},\n" for second, mbps in enumerate((*rates, 1))]
        (tmp_path / f"{name}.csv").write_text("t_s,uplink_mbps,rtt_ms,loss\n" + "".join(lines))
    (tmp_path / "index.csv").write_text("file,technology\n")
    return tmp_path


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    main(arguments)
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> dict[str, Any]:
    text = printed(capsys, "--traces", str(folder), "--images", "40", "--seeds", "2", "--json", *arguments)
    parsed: dict[str, Any] = json.loads(text)  # exactly one object, nothing around it
    return parsed


def test_json_has_a_cell_for_each_policy_trace_board_and_payload(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    result = document(capsys, folder, "--boards", "119,40", "--payloads", "15000", "--workers", "1")
    cells = result["cells"]
    assert all(cell.keys() >= CELL_KEYS for cell in cells)
    keys = [(cell["trace"], cell["board_ms"], cell["payload_bytes"], cell["policy"]) for cell in cells]
    assert len(set(keys)) == len(keys) == 2 * 2 * 1 * len(POLICIES)
    assert {key[0] for key in keys} == {"wifi_a", "lte_b"}
    assert "auto" in POLICIES
    assert all(cell["mean_ratio"] == 1.0 for cell in cells if cell["policy"] == "oracle")
    assert all(0.0 <= cell[name] <= 1.0 for cell in cells for name in ("miss_frac", "duplicate_frac"))
    assert {*result["families"]} == {"all", "wifi", "lte"}
    both = {cell["policy"]: 0.0 for cell in cells}
    for cell in cells:
        if (cell["board_ms"], cell["payload_bytes"]) == (119.0, 15000):
            both[cell["policy"]] += cell["mean_ratio"] / 2
    total = {row["policy"]: row for row in result["families"]["all"] if row["board_ms"] == 119.0}
    assert {name: row["mean_ratio"] for name, row in total.items()} == pytest.approx(both)


def test_every_value_of_a_cell_is_a_number_or_a_name_that_json_knows(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    arguments = ("--boards", "10", "--payloads", "4000000", "--workers", "1", "--budgets", "0,0.5")
    result = document(capsys, folder, *arguments)
    assert result.keys() == {"settings", "cells", "families"}
    rows = [*result["cells"], *(row for family in result["families"].values() for row in family)]
    assert {row["policy"] for row in rows} == {*POLICIES, "auto@0", "auto@0.5"}
    names = {"trace", "policy", "worst_trace"}
    for row in rows:
        assert all(isinstance(row[name], str) for name in names & row.keys())
        assert all(type(row[name]) in (int, float) for name in row.keys() - names)
    for cell in result["cells"]:
        assert cell["mean_s"] <= cell["p99_s"]
        assert cell["p50_s"] <= cell["p95_s"] <= cell["p99_s"]


def test_ratios_of_energy_are_to_the_energy_oracle(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    cells = document(capsys, folder, "--boards", "119", "--payloads", "15000", "--workers", "1")["cells"]
    least = {cell["trace"]: cell["energy_j"] for cell in cells if cell["policy"] == "energy_oracle"}
    for cell in cells:
        assert cell["energy_ratio"] == pytest.approx(cell["energy_j"] / least[cell["trace"]])


@pytest.mark.parametrize("arrivals", ["closed", "open", "bursts", "camera"])
def test_spliced_is_one_trace_whatever_the_arrivals(
    capsys: pytest.CaptureFixture[str], folder: Path, arrivals: str
) -> None:
    arguments = ("--splice", "2", "--arrivals", arrivals, "--boards", "67", "--payloads", "15000")
    result = document(capsys, folder, *arguments, "--workers", "1")
    assert {cell["trace"] for cell in result["cells"]} == {"spliced"}
    assert {*result["families"]} == {"spliced"}


def test_the_same_seed_prints_the_same_with_any_number_of_processes(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    arguments = ("--boards", "119", "--payloads", "15000,107000", "--arrivals", "open")
    alone = document(capsys, folder, *arguments, "--workers", "1")
    together = document(capsys, folder, *arguments, "--workers", "2")
    assert alone["cells"] == together["cells"]
    assert alone["families"] == together["families"]
    other = document(capsys, folder, *arguments, "--workers", "1", "--seed", "9")
    assert other["cells"] != alone["cells"]


def test_the_table_names_every_policy_and_the_worst_trace(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    text = printed(capsys, "--traces", str(folder), "--images", "20", "--seeds", "1", "--workers", "1")
    for policy in POLICIES:
        assert f"\n{policy} " in text
    assert "wifi_a" in text or "lte_b" in text


def test_a_folder_without_traces_is_a_usage_error(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--traces", str(tmp_path)])
    assert "no trace" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [(), ("--splice", "5")])
def test_a_trace_that_cannot_be_read_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "wifi_x.csv").write_text("t_s,uplink_mbps,rtt_ms\n0,5,40\n1,,40\n")
    with pytest.raises(SystemExit):
        main(["--traces", str(tmp_path), "--images", "3", "--workers", "1", *arguments])
    assert "wifi_x.csv, line 3" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [(), ("--splice", "5")])
def test_a_trace_of_one_row_is_a_constant_link(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "wifi_x.csv").write_text("t_s,uplink_mbps,rtt_ms\n0,50,10\n")
    limits = ["--images", "30", "--workers", "1", "--seeds", "1", "--boards", "119", "--payloads", "15000"]
    main(["--traces", str(tmp_path), *limits, *arguments, "--json"])
    cells = {cell["policy"]: cell for cell in json.loads(capsys.readouterr().out)["cells"]}
    assert cells["remote"]["mean_ratio"] == pytest.approx(1.0, abs=0.05)
    assert cells["local"]["mean_ratio"] > 2.0


def test_a_real_folder_works(capsys: pytest.CaptureFixture[str], shared_data: Path) -> None:
    folder = shared_data / "traces"
    text = printed(
        capsys,
        *("--traces", str(folder), "--splice", "20", "--arrivals", "open", "--boards", "119"),
        *("--payloads", "15000", "--images", "100", "--seeds", "1", "--workers", "1", "--json"),
    )
    ratios = {cell["policy"]: cell["mean_ratio"] for cell in json.loads(text)["cells"]}
    assert all(ratio > 0.97 for ratio in ratios.values())


def test_quantiles_and_intervals() -> None:
    assert quantile([1.0, 2.0, 4.0], 0.5) == 2.0
    assert quantile([1.0, 2.0, 4.0], 0.75) == 3.0
    assert quantile([7.0], 0.99) == 7.0
    assert half_width([1.0]) is None
    assert half_width([1.0, 3.0]) == pytest.approx(12.706)
    assert half_width([1.0, 2.0, 3.0]) == pytest.approx(4.303 / 3**0.5)
