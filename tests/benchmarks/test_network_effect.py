"""The network's effect on local against cloud: its arithmetic, a run over two links, and the chart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.experiment.links import Link
from benchmarks.network_effect.__main__ import main
from benchmarks.network_effect.break_even import BOARDS, break_even_rtt_s
from benchmarks.network_effect.cells import ROUND_TRIP_CELLS, TECHNOLOGY_CELLS, Cell, all_cells
from benchmarks.technologies import RATES_MBPS
from offload_sdk._profile import reference_names, reference_profile
from offload_sdk.workload import WorkloadSpec, write_workload

MODEL = "efficientnet_lite0"


def test_the_links_are_those_of_the_sources_table() -> None:
    rates = [cell.link.rate_mbps for cell in TECHNOLOGY_CELLS]
    assert rates == [0.04, 1.0, 10.0, 120.0, 1000.0]
    assert {cell.link.rate_mbps for cell in ROUND_TRIP_CELLS} == {RATES_MBPS["4G"]}
    assert [cell.link.rtt_ms for cell in ROUND_TRIP_CELLS][::6] == [10.0, 300.0]
    assert len({cell.name for cell in all_cells()}) == len(all_cells())
    assert [cell.name for cell in all_cells() if cell.is_slow] == ["2G"]


def test_break_even_balances_both_sides() -> None:
    assert set(BOARDS.values()) <= set(reference_names())
    for board, name in BOARDS.items():
        rtt_s = break_even_rtt_s(board, MODEL, 0.03, 0.01)
        profile = reference_profile(name, model=MODEL)
        local_s = profile.preprocess_s + profile.infer_s
        assert local_s == pytest.approx(profile.encode_s + 0.03 + 0.01 + rtt_s)
        assert break_even_rtt_s(board, MODEL, 0.05, 0.01) == pytest.approx(rtt_s - 0.02)
    limits = [break_even_rtt_s(board, MODEL, 0.03, 0.01) for board in BOARDS]
    assert limits == sorted(limits, reverse=True)  # the slower the board, the farther the cloud may be


def test_a_small_run_draws_its_chart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("skimage")
    pytest.importorskip("matplotlib")
    pytest.importorskip("uvicorn")
    write_workload(tmp_path / "images", WorkloadSpec(images=2, smallest_bytes=5_000, largest_bytes=9_000))
    slow = Cell(name="2G", link=Link(rate_mbps=0.4, rtt_ms=20.0))
    cells = (*ROUND_TRIP_CELLS[:1], TECHNOLOGY_CELLS[2], slow)
    out = tmp_path / "out"
    main(["--folder", str(tmp_path / "images"), "--out", str(out)], cells)
    text = capsys.readouterr().out
    assert "2 images" in text
    document = json.loads((out / "network-effect.json").read_text())
    points = {point["cell"]["name"]: point for point in document["points"]}
    assert set(points) == {"rtt-10", "4G", "2G"}
    assert points["2G"]["original_images"] == 1
    assert points["2G"]["original_s"] > 0.1 > 0.04 > points["rtt-10"]["cell"]["link"]["rtt_ms"] / 1e3
    assert all(point["sdk_bytes"] > 0 and point["server_s"] > 0 for point in points.values())
    assert document["local_s"] > 0
    with Image.open(out / "network-effect.png") as picture:
        assert picture.width > 1000
    assert (out / "network-effect.svg").read_text().count("round trip") >= 2
