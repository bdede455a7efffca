"""The time that is left: from what measurements took, whatever went by in between."""

from __future__ import annotations

import pytest

from offload_sdk.baseline.order import Way, order
from offload_sdk.baseline.pace import Pace

pytestmark = pytest.mark.light

WAYS = (Way("local", "sdk"), Way("a", "original"))
LATENCY_S = {"local": 0.1, "a": 3.0}


def test_nothing_is_said_before_every_way_has_been_measured() -> None:
    keys = order(1, ["x", "y"], WAYS, 0)
    pace = Pace(keys)
    pace.done(keys[0], 0.1, 0.0)
    assert pace.left_s() is None
    pace.done(keys[1], 3.0, 0.0)
    assert pace.left_s() is not None


def test_each_way_goes_on_at_its_own_pace_and_an_outage_does_not_count() -> None:
    keys = order(1, [str(number) for number in range(50)], WAYS, 0)
    pace = Pace(keys)
    for number, key in enumerate(keys[:40]):
        pace.done(key, LATENCY_S[key.target], 60.0 if number == 7 else 0.01)
    assert pace.left_s() == pytest.approx(30 * (0.1 + 0.01) + 30 * (3.0 + 0.01))
    for key in keys[40:]:
        pace.done(key, LATENCY_S[key.target], 0.01)
    assert pace.left_s() == 0.0


def test_an_earlier_process_gives_the_first_word() -> None:
    keys = order(1, ["x", "y"], WAYS, 0)
    pace = Pace(keys[2:])
    for key in keys[:2]:
        pace.seen(key, LATENCY_S[key.target])
    assert pace.left_s() == pytest.approx(3.1)
