"""Which images of a log tell what a plan costs, and how likely it was that they would. Pure arithmetic.

Chance enters a log twice: the policy may explore (`Decision.propensity`), and a shadow run may be added
(`log.shadow_rate`, a coin of its own). An image that shows the plan's cost counts as many times as there are
images like it that, by chance alone, do not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from offload_sdk.replay.case import Bill, Case
from offload_sdk.replay.plan import Gap, Plan, settle

__all__ = ["Evidence", "evidence", "is_steady", "shadow_share"]

_SLICES = 10
_SURELY = 27.9  # the chi-square of 9 degrees of freedom that chance exceeds once in a thousand times


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the log says of one plan for one image.

    `bill` is None where it says nothing. `chance` is the probability with which it says what it says; 0 where it
    says nothing and no chance could have changed that.
    """

    bill: Bill | None
    chance: float

    @property
    def weight(self) -> float:
        return 0.0 if self.bill is None else 1.0 / self.chance


def evidence(case: Case, plan: Plan, own: Plan, share: float) -> Evidence:
    """Return what a case tells of `plan`.

    `own` is the plan that the log followed, `share` the share of images that were shadowed.

    Given the times of all options, a plan's bill needs only one of them or both, and what the log's choice (with
    its fallback and hedge) shows is settled too. So with π the probability of a choice that shows it,
    the bill is seen with probability π + (1 − π) · share.
    """
    propensity = case.decision.propensity
    bill = case.bill if plan == own else settle(plan, case.own, case)
    if isinstance(bill, Bill):
        return Evidence(bill=bill, chance=propensity + (1.0 - propensity) * share)
    cut_short = bill is Gap.CUT_SHORT
    bill = settle(plan, case.runs, case)
    # Of two options the other one has the rest of the probability; of several it is not told which had how much.
    elsewhere = 0.0
    if len(case.situation.estimates) == 2 and plan.first != case.decision.chosen:
        elsewhere = 1.0 - propensity
    if isinstance(bill, Bill):
        if not isinstance(settle(plan, {plan.first: case.runs[plan.first]}, case), Bill):
            elsewhere = 0.0  # it takes both to tell
        chance = elsewhere + (1.0 - elsewhere) * share
        return Evidence(bill=bill if chance > 0.0 else None, chance=chance)
    by_chance = share if case.eligible and not cut_short and not case.shadowed else 0.0
    return Evidence(bill=None, chance=elsewhere + (1.0 - elsewhere) * by_chance)


def shadow_share(cases: Sequence[Case]) -> float:
    """Return the share of images whose other options ran too, of those for which they could, 0..1."""
    eligible = sum(case.eligible for case in cases)
    return sum(case.shadowed for case in cases) / eligible if eligible else 0.0


def is_steady(cases: Sequence[Case]) -> bool:
    """Whether the share of shadowed images was the same all along, as far as chance lets it be told.

    Pearson's chi-square test on ten stretches of equal length: a log whose `shadow_rate` was changed half-way
    shows one half of its time better than the other.
    """
    share = shadow_share(cases)
    if share in (0.0, 1.0) or len(cases) < 10 * _SLICES:
        return True
    square = 0.0
    for number in range(_SLICES):
        part = cases[number * len(cases) // _SLICES : (number + 1) * len(cases) // _SLICES]
        eligible = sum(case.eligible for case in part)
        if eligible:
            expected = share * eligible
            off = sum(case.shadowed for case in part) - expected
            square += off * off / (expected * (1.0 - share))
    return math.isfinite(square) and square < _SURELY
