"""The pictures: that they are written, show what they should, and that names do not lie on each other."""

from __future__ import annotations

import csv
import random
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

pytest.importorskip("matplotlib")

from benchmarks.policies.__main__ import main
from benchmarks.policies.cells import POLICIES, Case
from benchmarks.policies.drawing import spread
from benchmarks.policies.scene import World
from benchmarks.policies.trail import follow

ARGUMENTS = ("--images", "60", "--seeds", "1", "--workers", "1", "--arrivals", "open", "--boards", "119")


@pytest.fixture
def traces(tmp_path: Path) -> Path:
    folder = tmp_path / "traces"
    folder.mkdir()
    rng = random.Random(3)
    for name in ("wifi_a", "lte_b"):
        with (folder / f"{name}.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("t_s", "uplink_mbps", "rtt_ms", "loss"))
            rows.writerows((t, rng.choice((0, 1, 5, 20)), rng.choice((10, 40, 90)), "") for t in range(60))
    return folder


def shown(path: Path) -> list[str]:
    """Every text of an SVG."""
    return [text.strip() for text in ElementTree.parse(path).getroot().itertext() if text.strip()]


def ink(path: Path) -> float:
    """The share of a picture that is not background, in each quarter; the least of the four."""
    with Image.open(path) as picture:
        grey = np.asarray(picture.convert("L"))
    rows, columns = (size // 2 for size in grey.shape)
    quarters = (grey[:rows, :columns], grey[:rows, columns:], grey[rows:, :columns], grey[rows:, columns:])
    return min(float((quarter < 200).mean()) for quarter in quarters)


def test_the_frontier_shows_every_policy_and_budget(traces: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new" / "pictures"
    main(("--traces", str(traces), *ARGUMENTS, "--splice", "5", "--pictures", str(folder)))
    assert ink(folder / "frontier.png") > 0.002
    text = shown(folder / "frontier.svg")
    # `auto` is the curve, the others are no rules for latency: the oracle is where the axis would begin.
    for policy in {*POLICIES} - {"auto", "oracle", "energy", "energy_oracle"}:
        assert text.count(policy) == 2
    assert all(f"{budget} %" in text for budget in (0, 2, 5, 10, 20, 30, 50))
    assert all(f"119 ms on the device, images of {size} KB" in text for size in (15, 107))


def test_the_timeline_shows_both_sides(traces: Path, tmp_path: Path) -> None:
    arguments = ("--traces", str(traces), *ARGUMENTS, "--payloads", "15000")
    main((*arguments, "--timeline", "wifi_a", "--pictures", str(tmp_path)))
    (drawn,) = tmp_path.glob("timeline_*.png")
    assert drawn.stem == "timeline_wifi_a_119ms_15KB"
    assert ink(drawn) > 0.002
    picture = drawn.with_suffix(".svg")
    text = shown(picture)
    assert all(f"{side}: expected mean" in text for side in ("local", "remote"))
    assert "uplink (Mbit/s)" in text
    first = picture.read_bytes()
    main((*arguments, "--timeline", "wifi_a", "--pictures", str(tmp_path)))
    assert picture.read_bytes() == first


def test_a_timeline_of_spliced_traces(traces: Path, tmp_path: Path) -> None:
    main(
        (
            "--traces",
            str(traces),
            *ARGUMENTS,
            "--splice",
            "5",
            "--timeline",
            "spliced",
            "--pictures",
            str(tmp_path),
        )
    )
    assert len([*tmp_path.glob("timeline_spliced_*.png")]) == 2


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--timeline", "wifi_a"), "--pictures"),
        (("--timeline", "nowhere", "--pictures", "x"), "nowhere"),
        (("--timeline", "spliced", "--pictures", "x"), "spliced"),
        (("--server-load", "0.5"), "--server-workers"),
        (("--contention", "0.9"), "from 1 up"),
        (("--duplicates", "10"), "share from 0 to 1"),
        (("--budgets", "0.1,2"), "share from 0 to 1"),
        (("--boards", "0"), "positive"),
    ],
)
def test_what_cannot_be_is_a_usage_error(
    arguments: tuple[str, ...], complaint: str, traces: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(("--traces", str(traces), *arguments))
    assert complaint in capsys.readouterr().err


def test_a_trail_holds_expectation_truth_and_deed(traces: Path) -> None:
    case = Case(
        folder=traces,
        trace="lte_b",
        splice_s=None,
        board_ms=100.0,
        payload_bytes=20_000,
        arrivals="closed",
        seed=1,
        images=80,
        deadline_boards=2.0,
        duplicates_frac=0.1,
        budgets=(),
        world=World(),
    )
    scene, steps = follow(case)
    assert [step.started_s for step in steps] == sorted(step.started_s for step in steps)
    assert len(steps) == len(scene.images)
    for step in steps:
        for band in step.expected.values():
            assert 0.0 < band.p10_s < band.p90_s
        assert step.duplicate or step.path == step.first
    pairs = zip(steps, scene.images, strict=True)
    quiet = [step.truth.local_s == pytest.approx(draw.local_s) for step, draw in pairs]
    assert sum(quiet) > 60  # the others found a duplicate on the device


@given(st.lists(st.floats(0.0, 1.0), max_size=30), st.floats(0.01, 0.2))
def test_names_keep_apart_and_in_order(places: list[float], gap: float) -> None:
    moved = spread(places, gap)
    order = sorted(range(len(places)), key=places.__getitem__)
    tops = [moved[index] for index in order]
    assert all(above - below >= gap - 1e-9 for below, above in pairwise(tops))
    if all(places[b] - places[a] >= gap for a, b in pairwise(order)):
        assert moved == pytest.approx(places)
    if places:
        assert sum(moved) == pytest.approx(sum(places))
