"""Which images show what a plan costs, and how likely: checked against the coins that were tossed."""

from __future__ import annotations

import pytest
from worlds import Moment, log, moments, named

from offload_sdk.replay.case import case_of
from offload_sdk.replay.plan import Plan, plan_of
from offload_sdk.replay.support import evidence, is_steady, shadow_share

REMOTE = Plan(first="cloud", backup="local", after_s=10.0)
LOCAL = Plan(first="local", backup="cloud")
HEDGE = Plan(first="cloud", backup="local", after_s=0.06, hedge=True)


def test_the_share_of_shadowed_images_is_counted() -> None:
    cases = [case_of(row) for row in log(moments(2000, 1), named("local"), shadow_rate=0.25, seed=2)]
    assert shadow_share(cases) == pytest.approx(0.25, abs=0.04)
    assert is_steady(cases)


def test_a_share_that_was_changed_is_noticed() -> None:
    world = moments(2000, 1)
    rows = log(world[:1000], named("local"), shadow_rate=0.05, seed=1)
    rows += log(world[1000:], named("local"), shadow_rate=0.3, seed=2)
    assert not is_steady([case_of(row) for row in rows])


@pytest.mark.parametrize(
    ("plan", "shadow_rate", "explore"),
    [
        (REMOTE, 0.3, 0.0),
        (REMOTE, 0.0, 0.2),
        (REMOTE, 0.25, 0.2),
        (LOCAL, 0.3, 0.0),
        (LOCAL, 0.0, 0.2),
        (HEDGE, 0.3, 0.0),  # without shadows no chance shows both sides
        (HEDGE, 0.25, 0.2),
    ],
)
def test_images_are_seen_as_often_as_said(plan: Plan, shadow_rate: float, explore: float) -> None:
    """Over many repetitions of one image, weighting by 1 / chance must bring back every image."""
    for moment in (
        Moment(local_s=0.05, remote_s=0.04, local_mean_s=0.05, remote_mean_s=0.04),
        Moment(local_s=0.05, remote_s=0.09, local_mean_s=0.04, remote_mean_s=0.05),
    ):
        count = 1500
        rows = log([moment] * count, named("latency"), shadow_rate=shadow_rate, explore=explore, seed=7)
        cases = [case_of(row) for row in rows]
        told = [evidence(case, plan, plan_of(case.decision, case, 10.0), shadow_rate) for case in cases]
        assert sum(one.weight for one in told) == pytest.approx(count, rel=0.15)
        assert all(one.chance > 0.0 for one in told)


def test_where_nothing_is_left_to_chance_the_other_choice_has_no_support() -> None:
    rows = log(moments(50, 3), named("local"))
    for case in map(case_of, rows):
        own = plan_of(case.decision, case, 10.0)
        assert evidence(case, REMOTE, own, 0.0).chance == 0.0
        assert evidence(case, own, own, 0.0).weight == 1.0
