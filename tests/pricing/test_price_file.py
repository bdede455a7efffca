"""A user's own prices: laid over the shipped ones, and every mistake one error that names the row."""

from __future__ import annotations

from pathlib import Path

import pytest

from offload_sdk.errors import ConfigurationError
from offload_sdk.pricing.price_file import read_prices
from offload_sdk.pricing.price_list import shipped_prices
from offload_sdk.pricing.published import published_runs


@pytest.fixture
def prices_file(tmp_path: Path) -> Path:
    return tmp_path / "own.toml"


def test_a_price_of_one_s_own_replaces_the_shipped_one(prices_file: Path) -> None:
    prices_file.write_text('[figures.t3-medium-hour]\nvalue = 0.05\nregion = "eu-south-1"\n', "utf-8")
    own = read_prices(prices_file)
    assert own.platforms["ec2"].usd_per_h == 0.05
    assert own.figures["t3-medium-hour"].source == str(prices_file)
    assert own.figures["t3-medium-hour"].region == "eu-south-1"
    assert own.platforms["fargate"] == shipped_prices().platforms["fargate"]


def test_a_discount_of_one_s_own_is_no_up_to(prices_file: Path) -> None:
    prices_file.write_text("[figures.ec2-savings-discount]\nvalue = 0.37\n", "utf-8")
    reserved = read_prices(prices_file).platforms["ec2-reserved"]
    assert reserved.usd_per_h == pytest.approx(0.0416 * 0.63)
    assert not reserved.best_case


def test_a_platform_of_one_s_own_is_another_row(prices_file: Path) -> None:
    prices_file.write_text(
        """
        [figures.m7g-hour]
        value = 0.0816
        unit = "USD/hour"
        checked = "2026-11"
        source = "our contract"

        [platforms.m7g]
        title = "EC2 m7g.large"
        kind = "ec2"
        vcpus = 2
        memory_gb = 8
        per_h = "m7g-hour"
        minimum = "billing-minimum"
        start = "ec2-start"
        """,
        "utf-8",
    )
    own = read_prices(prices_file)
    assert own.platforms["m7g"].usd_per_h == 0.0816
    assert set(shipped_prices().platforms) < set(own.platforms)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[figures.t3-medium-hour]\nvalue = -1\n", r"own\.toml: figures\.t3-medium-hour\.value: .*greater"),
        ("[figures.t3-medium-hour]\nvalue = nan\n", r"figures\.t3-medium-hour\.value"),
        ('[figures.t3-medium-hour]\nvalue = "much"\n', r"figures\.t3-medium-hour\.value: .*number"),
        ("[figures.t3-medium-hour]\nprice = 1\n", r"figures\.t3-medium-hour\.(value|price)"),
        ("[figures.new]\nvalue = 1\n", r"figures\.new\.unit: Field required"),
        ("[figures.ec2-spot-discount]\nvalue = 70\n", r"figures\.ec2-spot-discount: a fraction is at most 1"),
        ('[platforms.ec2]\ndiscount = "billing-minimum"\n', r"figures\.billing-minimum: a fraction is at most 1"),
        ("[figures.lcu-gb-per-hour]\nvalue = 0\n", r"figures\.lcu-gb-per-hour: must be above 0"),
        ('[platforms.ec2]\nper_h = "nothing"\n', r"platforms\.ec2\.per_h: no figure 'nothing'"),
        ('[platforms.ec2]\nper_vcpu_h = "lcu-hour"\n', r"platforms\.ec2: needs either per_h, or"),
        ("[platforms.ec2]\nvcpus = 0\n", r"platforms\.ec2\.vcpus"),
        ("figures = 3\n", r"figures: .*dictionary"),
        ("[figures]\nt3-medium-hour = 3\n", r"figures\.t3-medium-hour"),
        ("schema_version = 2\n", "schema_version"),
        ("[prices]\n", "prices: Extra inputs"),
        ("not toml", "are no TOML"),
    ],
)
def test_a_mistake_is_one_error_that_names_the_row(prices_file: Path, text: str, message: str) -> None:
    prices_file.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=message) as caught:
        read_prices(prices_file)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_not_text_is_one_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_prices(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="are no TOML"):
        read_prices(tmp_path / "bytes.toml")


def test_what_is_free_has_no_published_cost_beside_it(prices_file: Path) -> None:
    prices_file.write_text("[figures.t3-medium-hour]\nvalue = 0\n", "utf-8")
    with pytest.raises(ConfigurationError, match="ec2 costs nothing"):
        published_runs(read_prices(prices_file))
