"""Which payload is sent over which link, for which price on a label."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk import OffloadConfig
from offload_sdk._types import Payload
from offload_sdk.decide import PayloadChoice
from offload_sdk.model import InputSpec, payloads_for

pytestmark = pytest.mark.light
LADDER = payloads_for(InputSpec())
DEFAULT = OffloadConfig().payload.seconds_per_error
ratios = st.floats(0.2, 5.0)
prices = st.floats(0.0, 1000.0)
links = st.floats(1e-9, 1e-2)


def sizes(ratio: float = 1.0) -> list[float]:
    return [ratio * payload.expected_bytes for payload in LADDER]


def chosen(bytes_per_s: float, ratio: float = 1.0, price: float = DEFAULT) -> Payload:
    return LADDER[PayloadChoice(LADDER, seconds_per_error=price)(sizes(ratio), 1.0 / bytes_per_s)]


@given(ratio=ratios, price=prices, s_per_byte=st.lists(links, min_size=2, max_size=5))
def test_a_slower_link_never_gets_a_larger_payload(ratio: float, price: float, s_per_byte: list[float]) -> None:
    choose = PayloadChoice(LADDER, seconds_per_error=price)
    places = [choose(sizes(ratio), each) for each in sorted(s_per_byte)]
    assert places == sorted(places)


@given(ratio=ratios, s_per_byte=links, some=st.lists(prices, min_size=2, max_size=5))
def test_a_higher_price_never_loses_labels(ratio: float, s_per_byte: float, some: list[float]) -> None:
    places = [PayloadChoice(LADDER, seconds_per_error=each)(sizes(ratio), s_per_byte) for each in sorted(some)]
    assert places == sorted(places, reverse=True)


@given(known=st.lists(st.floats(1.0, 1e6), min_size=5, max_size=5), price=prices, s_per_byte=links)
def test_nothing_costs_less_than_what_is_chosen(known: list[float], price: float, s_per_byte: float) -> None:
    place = PayloadChoice(LADDER, seconds_per_error=price)(known, s_per_byte)
    costs = [
        size * s_per_byte + price * (1.0 - (payload.agreement_frac or 0.0))
        for size, payload in zip(known, LADDER, strict=True)
    ]
    assert costs[place] == pytest.approx(min(costs))


@pytest.mark.parametrize("bytes_per_s", [1e6, 1e7, 1e9])
@pytest.mark.parametrize("ratio", [0.3, 1.0, 3.0])
def test_a_good_link_gets_the_best(bytes_per_s: float, ratio: float) -> None:
    assert chosen(bytes_per_s, ratio) == LADDER[0]


def test_a_slow_link_gets_less() -> None:
    assert chosen(30e3).expected_bytes < LADDER[0].expected_bytes / 2
    assert chosen(5e3) == LADDER[-1]


def test_the_ends_of_the_price() -> None:
    assert chosen(1.0, price=1e12) == LADDER[0]
    assert chosen(1e9, price=0.0) == LADDER[-1]


def test_a_picture_that_is_sent_as_it_is_loses_nothing_for_nothing() -> None:
    """All forms then take the same bytes, and the best is named."""
    assert PayloadChoice(LADDER, seconds_per_error=0.0)([4000.0] * len(LADDER), 1e-3) == 0


def test_what_was_never_measured_counts_as_losing_nothing() -> None:
    fixed = payloads_for(InputSpec(), quality=40)
    assert PayloadChoice(fixed, seconds_per_error=DEFAULT)([8000.0], 1.0) == 0
