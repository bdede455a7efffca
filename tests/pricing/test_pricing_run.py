"""What one run costs by list price, and what the shipped price list holds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offload_sdk.pricing import platform_for, platforms, run_bill, run_cost_usd
from offload_sdk.pricing.price_list import shipped_prices

NAMES = sorted(platforms())


def test_a_run_of_the_thesis_costs_by_list_price_what_its_notes_say() -> None:
    fargate, ec2 = platforms()["fargate"], platforms()["ec2"]
    assert run_cost_usd(fargate, 1819.48) == pytest.approx((0.5 * 0.04048 + 0.004445) * 1819.48 / 3600)
    assert run_cost_usd(fargate, 1819.48) == pytest.approx(0.0125, abs=5e-5)
    assert run_cost_usd(ec2, 1734.55) == pytest.approx(0.0200, abs=5e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_is_billed_by_the_second_after_a_minute(name: str) -> None:
    platform = platforms()[name]
    assert run_cost_usd(platform, 0.0) == 0.0
    assert run_cost_usd(platform, 0.1) == run_cost_usd(platform, 60.0) > 0.0
    assert run_cost_usd(platform, 61.0) == pytest.approx(run_cost_usd(platform, 60.0) * 61 / 60)


@given(st.sampled_from(NAMES), st.floats(0, 1e7), st.floats(0, 1e7))
@settings(deadline=None, max_examples=50)
def test_a_longer_run_costs_no_less(name: str, a_s: float, b_s: float) -> None:
    platform = platforms()[name]
    shorter, longer = sorted((a_s, b_s))
    assert run_cost_usd(platform, shorter) <= run_cost_usd(platform, longer)
    assert run_bill(platform, longer).total_usd == run_cost_usd(platform, longer)


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_a_run_of_no_length_is_an_error(seconds: float) -> None:
    with pytest.raises(ValueError, match="lasts no"):
        run_cost_usd(platforms()["ec2"], seconds)


@pytest.mark.parametrize(
    ("target", "platform"),
    [
        *[(name, name) for name in NAMES],
        ("Fargate", "fargate"),
        ("fargate_arm", "fargate-arm"),
        ("t3.medium", "ec2"),
        ("c6i.large spot", "c6i-large-spot"),
        ("local", None),
        ("", None),
    ],
)
def test_a_target_s_name_stands_for_a_platform(target: str, platform: str | None) -> None:
    found = platform_for(target)
    assert (found.name if found else None) == platform


def test_every_figure_has_a_source_and_a_date_and_is_used() -> None:
    prices = shipped_prices()
    for figure in prices.figures.values():
        assert figure.assumption or figure.source.startswith("https://"), figure.name
        assert figure.checked >= "2018"
    for platform in prices.platforms.values():
        assert set(platform.figures) <= set(prices.figures)
        assert platform.best_case == any(prices.figures[name].best_case for name in platform.figures)
