"""`offload-sdk cost`: the answer as text, JSON and a picture; every wrong option one error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from offload_sdk.cli.app import app


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["cost", *arguments])


def test_three_cameras_of_one_image_a_second() -> None:
    done = run("--images-per-s", "3")
    assert done.exit_code == 0, done.output
    assert "7,884,000 images a month" in done.output
    assert "Cheapest of fargate, fargate-arm, ec2, t3-large, c6i-large: fargate-arm" in done.output
    assert "load balancer " in done.output
    assert "Cheapest by arrival rate" in done.output


def test_json_holds_what_the_table_shows_and_the_break_points() -> None:
    answer = json.loads(
        run("--images-per-s", "3", "--platform", "fargate", "--platform", "t3.medium", "--json").output
    )
    assert [platform["name"] for platform in answer["platforms"]] == ["fargate", "ec2"]
    assert answer["cheapest"] == "fargate"
    for platform in answer["platforms"]:
        assert sum(line["usd"] for line in platform["lines"]) == pytest.approx(platform["usd_per_month"])
        assert platform["usd_per_1000_images"] == pytest.approx(platform["usd_per_month"] / 7884)
    assert answer["break_points"][0]["before"] == "fargate"
    assert answer["break_points"][0]["after"] == "ec2"


def test_a_month_s_number_is_the_same_as_its_rate() -> None:
    by_rate = json.loads(run("--images-per-s", "2", "--hours-per-day", "12", "--json").output)
    by_number = json.loads(
        run("--images-per-month", str(2 * 365 * 3600), "--hours-per-day", "12", "--json").output
    )
    assert by_number["platforms"][0]["usd_per_month"] == pytest.approx(by_rate["platforms"][0]["usd_per_month"])


def test_without_overheads_only_computing_is_left() -> None:
    answer = json.loads(run("--images-per-s", "1", "--no-overheads", "--json").output)
    assert {line["name"] for platform in answer["platforms"] for line in platform["lines"]} <= {
        "computing",
        "CPU above baseline",
    }


def test_the_published_costs_stand_beside_list_prices() -> None:
    lines = run("--published").output.splitlines()
    assert lines[1].split()[:6] == ["fargate", "1819.48", "s", "0.0125", "0.07", "5.6"]
    assert lines[2].split()[:6] == ["ec2", "1734.55", "s", "0.0200", "0.09", "4.5"]


def test_a_run_is_priced_on_every_platform() -> None:
    costs = {cost["platform"]: cost for cost in json.loads(run("--run-s", "1819.48", "--json").output)}
    assert costs["fargate"]["usd"] == pytest.approx(0.012476, abs=1e-6)
    assert costs["fargate"]["usd_per_1000_images"] == pytest.approx(0.012476 / 0.6, abs=1e-5)
    assert run("--run-s", "10", "--platform", "ec2").output.splitlines()[1].split()[3] == "60.00"


def test_the_published_costs_and_the_sources_are_json_too() -> None:
    published = json.loads(run("--published", "--json").output)
    assert [(each["platform"], round(each["factor"], 1)) for each in published] == [("fargate", 5.6), ("ec2", 4.5)]
    figures = json.loads(run("--sources", "--json").output)
    assert {"name", "value", "unit", "source", "checked", "region", "assumption", "best_case"} == set(figures[0])


def test_every_figure_is_shown_with_its_source() -> None:
    output = run("--sources").output
    assert "https://aws.amazon.com/fargate/pricing/" in output
    assert "ASSUMED: gp3" in output


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_picture_is_drawn(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"cost.{suffix}"
    done = run("--images-per-s", "20", "--any-terms", "--scaling", "zero", "--chart", str(target))
    assert done.exit_code == 0, done.output
    assert target.stat().st_size > 10_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "either --images-per-s or --images-per-month"),
        (["--images-per-s", "1", "--images-per-month", "1"], "either --images-per-s or --images-per-month"),
        (["--images-per-s", "-1"], "images_per_s must be from"),
        (["--images-per-s", "1", "--platform", "azure"], "no platform 'azure'; there are fargate,"),
        (["--images-per-s", "1", "--scaling", "none"], "--scaling is fixed, auto or zero"),
        (["--images-per-s", "1", "--utilisation", "70"], "utilisation must be"),
        (["--images-per-s", "1", "--prices", "/nowhere.toml"], "cannot be read"),
        (["--run-s", "-3"], "a run lasts no -3 s"),
        (["--images-per-s", "1", "--chart", "cost.gif"], "must end in .png, .svg or .pdf"),
    ],
)
def test_a_wrong_option_is_one_error(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
