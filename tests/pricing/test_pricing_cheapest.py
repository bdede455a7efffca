"""Break points: exact where they can be known by hand, and against a plain search over many rates."""

from __future__ import annotations

import bisect
import math
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pricing_worlds import OPERATIONS, OVERHEADS

from offload_sdk.pricing import platforms
from offload_sdk.pricing.cheapest import BreakPoint, Curve, break_points, cheapest
from offload_sdk.pricing.compare import cost_curve, offers, platform_changes
from offload_sdk.pricing.load import Load, Operation
from offload_sdk.pricing.month import Overheads
from offload_sdk.pricing.price_list import shipped_prices

PRICES = shipped_prices()


def test_two_straight_lines_cross_once() -> None:
    curves = {"a": Curve(usd=lambda rate: 1.0 + rate), "b": Curve(usd=lambda rate: 2.0 + rate / 3)}
    (found,) = break_points(curves, 0.001, 100.0)
    assert (found.before, found.after) == ("a", "b")
    assert found.images_per_s == pytest.approx(1.5, rel=1e-14)


def test_a_jump_is_found_at_the_very_rate() -> None:
    curves = {
        "task": Curve(usd=lambda rate: float(math.ceil(rate)), steps=[1.0, 2.0, 3.0]),
        "instance": Curve(usd=lambda rate: 2.5),
    }
    assert break_points(curves, 0.1, 4.0) == [BreakPoint(images_per_s=2.0, before="task", after="instance")]


def test_steps_that_are_neighbouring_numbers_keep_their_order() -> None:
    beside = math.nextafter(2.0, 3.0)
    curves = {
        "task": Curve(usd=lambda rate: 1.0 if rate <= 2.0 else 3.0, steps=[2.0]),
        "instance": Curve(usd=lambda rate: 2.0 if rate <= beside else 4.0, steps=[beside]),
    }
    found = break_points(curves, 1.0, 3.0)
    assert [(change.images_per_s, change.after) for change in found] == [(2.0, "instance"), (beside, "task")]


def test_nothing_changes_where_one_is_always_cheapest() -> None:
    curves = {"a": Curve(usd=lambda rate: rate), "b": Curve(usd=lambda rate: 2 * rate)}
    assert break_points(curves, 1e-4, 1e4) == []


def test_fargate_and_an_instance_change_where_the_hours_say() -> None:
    """A task of 0.5 vCPU carries 0.35 / 0.05 = 7 images/s; four cost more than a c6i.large, which carries 28."""
    pair = [platforms()["fargate"], platforms()["c6i-large"]]
    tasks = 0.085 / (0.5 * 0.04048 + 0.004445)  # as many tasks for the price of the instance: 3.44
    found = platform_changes(
        pair,
        Load(images_per_s=1.0, service_s=0.05),
        PRICES,
        Operation(scaling="fixed"),
        Overheads(counted=False),
        low_per_s=0.01,
        high_per_s=27.0,
    )
    assert [(change.before, change.after) for change in found] == [("fargate", "c6i-large")]
    assert found[0].images_per_s == pytest.approx(7.0 * math.floor(tasks))


@given(
    st.sets(st.sampled_from(sorted(platforms())), min_size=2, max_size=5),
    st.floats(0.005, 0.5),
    OPERATIONS,
    OVERHEADS,
    st.integers(0, 2**32),
)
@settings(max_examples=10, deadline=None)
def test_the_cheapest_at_any_rate_is_the_one_that_the_break_points_say(
    names: set[str], service_s: float, operation: Operation, overheads: Overheads, seed: int
) -> None:
    low, high = 1e-4, 12 * 0.5 * operation.utilisation_frac / service_s
    load = Load(images_per_s=1.0, service_s=service_s)
    chosen = [platforms()[name] for name in sorted(names)]
    found = platform_changes(chosen, load, PRICES, operation, overheads, low_per_s=low, high_per_s=high)
    curves = {
        platform.name: Curve(usd=cost_curve(platform, load, PRICES, operation, overheads)) for platform in chosen
    }
    assert all(left.after == right.before for left, right in pairwise(found))
    edges = [change.images_per_s for change in found]
    assert edges == sorted(edges)
    for change in found:  # of the two sides of a break point each has its own least
        assert cheapest(curves, change.images_per_s) == change.before
        assert cheapest(curves, math.nextafter(change.images_per_s, high)) == change.after
    expected = [found[0].before if found else cheapest(curves, low), *(change.after for change in found)]
    rng = random.Random(seed)
    for rate in (math.exp(rng.uniform(math.log(low), math.log(high))) for _ in range(100)):
        says = expected[bisect.bisect_left(edges, rate)]
        least = curves[cheapest(curves, rate)].usd(rate)
        assert curves[says].usd(rate) == pytest.approx(least, rel=1e-12)


def test_offers_are_sorted_and_count_per_thousand_images() -> None:
    load = Load(images_per_s=3.0, service_s=0.022)
    found = offers(platforms().values(), load, PRICES, Operation(), Overheads())
    costs = [offer.usd_per_month for offer in found]
    assert costs == sorted(costs)
    assert len(found) == len(platforms())
    for offer in found:
        assert offer.usd_per_1000_images * load.images_per_month / 1000 == pytest.approx(offer.usd_per_month)
