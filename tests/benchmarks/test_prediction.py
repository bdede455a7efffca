"""How good forecasts are said to be: the arithmetic against cases whose result is known, and the command."""

from __future__ import annotations

import json
import random
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from benchmarks.prediction.__main__ import main
from benchmarks.prediction.cases import HINDSIGHT, Case, play
from benchmarks.prediction.forecast import Empirical, Normal, Told
from benchmarks.prediction.hindsight import hindsight
from benchmarks.prediction.links import STATIONARY, StationaryLink
from benchmarks.prediction.predictors import MAKERS, SDK, Ewma, LastValue, Predictor, Rfc6298, Window
from benchmarks.prediction.score import coverage, error, pinball_s, pit, rows_of, score
from benchmarks.prediction.watch import Sighting, Watched
from offload_sdk._types import Latency, Outcome


def array(*values: float) -> Any:
    return np.array(values, dtype=float)


def test_pinball_loss_weighs_too_short_by_the_share_and_too_long_by_the_rest() -> None:
    assert pinball_s(array(1.0), array(3.0), 0.9) == pytest.approx(1.8)
    assert pinball_s(array(3.0), array(1.0), 0.9) == pytest.approx(0.2)
    assert pinball_s(array(2.0, 2.0), array(2.0, 4.0), 0.5) == pytest.approx(0.5)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_no_constant_has_less_pinball_loss_than_the_quantile(share: float) -> None:
    rng = random.Random(4)
    truths = array(*(rng.lognormvariate(0.0, 0.5) for _ in range(2001)))
    own = np.quantile(truths, share)
    least = pinball_s(np.full_like(truths, own), truths, share)
    assert all(pinball_s(np.full_like(truths, own * by), truths, share) > least for by in (0.8, 0.95, 1.05, 1.3))


def test_error_is_a_median_and_relative_and_coverage_counts_ties() -> None:
    assert error(array(1.1, 2.0, 9.0), array(1.0, 2.5, 3.0)) == pytest.approx(0.2)
    assert coverage(array(1.0, 1.0, 1.0, 1.0), array(0.5, 1.0, 1.5, 2.0)) == 0.5


def test_pit_is_flat_for_the_true_law_and_tells_narrow_from_wide() -> None:
    rng = random.Random(2)
    truths = [rng.gauss(1.0, 0.1) for _ in range(8000)]

    def bins(sd_s: float) -> tuple[float, ...]:
        forecast = Normal(1.0, sd_s)
        return pit(array(*(forecast.within(truth) for truth in truths)))

    assert bins(0.1) == pytest.approx([0.05] * 20, abs=0.01)
    assert bins(0.05)[0] > 0.09
    assert bins(0.05)[-1] > 0.09
    assert bins(0.2)[0] < 0.01
    assert bins(0.2)[10] > 0.07


def test_the_true_law_is_scored_as_calibrated() -> None:
    rng = random.Random(3)
    truths = [rng.gauss(2.0, 0.2) for _ in range(8000)]
    told = score(rows_of([Normal(2.0, 0.2)] * len(truths), truths))
    assert told.images == 8000
    assert told.coverage == pytest.approx((0.5, 0.9, 0.99), abs=0.015)
    assert told.sharpness == pytest.approx((2.0 + 0.2 * NormalDist().inv_cdf(0.9)) / 2.0)
    assert told.error == told.mean_error == pytest.approx(0.1 * NormalDist().inv_cdf(0.75), rel=0.05)


def test_quantiles_of_what_the_sdk_says() -> None:
    latency = Latency(mean_s=0.1, sd_s=0.05)
    told = Told(latency)
    assert told.quantile_s(0.9) == pytest.approx(latency.p90_s, rel=1e-6)
    assert all(told.within(told.quantile_s(share)) == pytest.approx(share) for share in (0.01, 0.5, 0.99))
    assert Told(Latency(mean_s=0.1, sd_s=0.0)).quantile_s(0.3) == pytest.approx(0.1)


def test_a_new_value_is_as_likely_in_every_gap_between_old_ones() -> None:
    known = Empirical([4.0, 1.0, 2.0, 3.0])
    assert [known.quantile_s(place / 5) for place in (1, 2, 3, 4)] == pytest.approx([1.0, 2.0, 3.0, 4.0])
    assert known.quantile_s(0.01) == 1.0
    assert known.quantile_s(0.99) == 4.0
    assert known.within(2.5) == 0.5
    assert known.within(2.0) == 0.375  # half of its own quarter
    assert known.mean_s == 2.5


def uploaded(seconds: float, *, probe: bool = False) -> Outcome:
    return Outcome(
        option="remote",
        path="remote",
        status="success",
        role="probe" if probe else "answer",
        started_s=0.0,
        latency_s=seconds,
    )


@pytest.mark.parametrize(
    ("predictor", "median_s"),
    [
        (LastValue(1), 0.3),
        (Window(1), 0.15),  # of 0.09, 0.1, 0.2, 0.3
        (Ewma(1), 0.09 * 0.343 + 0.1 * 0.3 * 0.49 + 0.2 * 0.3 * 0.7 + 0.3 * 0.3),
        (Rfc6298(1), (0.1 * 0.875 + 0.2 * 0.125) * 0.875 + 0.3 * 0.125),
    ],
)
def test_simple_rules_do_what_their_names_say(predictor: Predictor, median_s: float) -> None:
    for seconds in (0.1, 0.2, 0.3):
        predictor.learn(uploaded(seconds))
    predictor.learn(uploaded(7.0, probe=True))  # a ping is no upload
    assert predictor.predict(1, 0.0).quantile_s(0.5) == pytest.approx(median_s)


def test_hindsight_finds_the_law_behind_the_last_value() -> None:
    """Times that alternate are a riddle to an average, and none to who knows that they do."""
    truths_s = [0.1 if place % 2 else 0.2 for place in range(300)]
    watched = Watched(
        sightings=[
            Sighting(at_s=float(place), size_bytes=1000, truth_s=truth_s, known=place, forecasts={})
            for place, truth_s in enumerate(truths_s)
        ],
        parts=[],
        times=[(1000, truth_s) for truth_s in truths_s],
    )
    assert score(rows_of(hindsight(watched), truths_s)).error < 1e-9


def case(**changed: Any) -> Case:
    link: StationaryLink = STATIONARY[2]
    usual: dict[str, Any] = {
        "folder": Path(),
        "trace": link.name,
        "splice_s": 20.0,
        "payload_bytes": 15_000,
        "way": "closed",
        "seed": 1,
        "images": 300,
        "server_s": 0.012,
    }
    return Case(**{**usual, **changed})


def test_on_a_link_whose_law_is_known_nobody_does_better_than_the_law() -> None:
    played = play(case(images=600))
    losses = {name: score(rows).pinball_s for name, rows in played.rows.items()}
    assert {*losses} == {*MAKERS, HINDSIGHT}
    for place in range(2):
        assert min(losses.values(), key=lambda loss: loss[place]) == losses[HINDSIGHT]
    assert score(played.rows[HINDSIGHT]).coverage == pytest.approx((0.5, 0.9, 0.99), abs=0.05)
    assert np.median(played.part_errors, axis=0) == pytest.approx([0.0] * 3, abs=0.1)


def test_with_every_tenth_image_sent_all_are_scored_and_little_is_learned() -> None:
    played = play(case(way="stale"))
    assert len(played.rows[SDK]) == 300
    assert len(played.part_errors) <= 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, rates in (("wifi_a", (20, 3, 9)), ("lte_b", (5, 0, 2))):
        lines = [f"{second},{mbps},{30 + second},\n" for second, mbps in enumerate((*rates, 1))]
        (tmp_path / f"{name}.csv").write_text("t_s,uplink_mbps,rtt_ms,loss\n" + "".join(lines))
    return tmp_path


def document(capsys: pytest.CaptureFixture[str], folder: Path, *arguments: str) -> dict[str, Any]:
    main(["--traces", str(folder), "--images", "30", "--splice", "2", "--json", *arguments])
    parsed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return parsed


def test_json_has_a_cell_for_each_link_payload_way_and_predictor(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    result = document(capsys, folder, "--payloads", "15000", "--ways", "closed,raced", "--workers", "1")
    cells = result["cells"]
    keys = {(cell["link"], cell["payload_bytes"], cell["way"], cell["predictor"]) for cell in cells}
    links = {"wifi_a", "lte_b", "spliced", *(link.name for link in STATIONARY)}
    assert len(keys) == len(cells) == len(links) * 1 * 2 * (len(MAKERS) + 1)
    assert {key[0] for key in keys} == links
    for cell in cells:
        assert sum(cell["score"]["pit"]) == pytest.approx(1.0)
        assert all(0.0 <= share <= 1.0 for share in cell["score"]["coverage"])
        assert (cell["part_errors"] is None) == (cell["predictor"] != SDK)
    families = {cell["link"]: cell["score"]["images"] for cell in result["families"] if cell["way"] == "closed"}
    assert families == {"all": 60, "wifi": 30, "lte": 30, "stationary": 180, "spliced": 480}


def test_the_same_seed_prints_the_same_with_any_number_of_processes(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    arguments = ("--payloads", "15000", "--ways", "stale")
    alone = document(capsys, folder, *arguments, "--workers", "1")
    assert document(capsys, folder, *arguments, "--workers", "2")["cells"] == alone["cells"]


def test_the_picture_has_a_histogram_for_each_family_and_predictor(folder: Path, tmp_path: Path) -> None:
    picture = tmp_path / "pictures" / "pit.png"
    arguments = ("--images", "30", "--splice", "2", "--ways", "closed", "--payloads", "15000", "--workers", "1")
    main(["--traces", str(folder), "--picture", str(picture), "--json", *arguments])
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("arguments", [("--ways", "by-hand"), ("--traces", "no-such-folder")])
def test_wrong_usage_says_what_is_wrong(capsys: pytest.CaptureFixture[str], arguments: tuple[str, str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert arguments[1] in capsys.readouterr().err


def test_on_recorded_links_the_sdk_beats_an_average(capsys: pytest.CaptureFixture[str], shared_data: Path) -> None:
    arguments = ("--images", "60", "--payloads", "107000", "--ways", "closed")
    main(["--traces", str(shared_data / "traces"), "--json", *arguments])
    cells = json.loads(capsys.readouterr().out)["families"]
    errors = {cell["predictor"]: cell["score"]["error"] for cell in cells if cell["link"] == "all"}
    assert errors[SDK] < errors["ewma"]
