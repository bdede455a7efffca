"""What a decision leads to, and what that costs given the times of both options. Pure arithmetic on one image.

The plan mirrors what `Offloader` does with a decision; nothing is estimated here, and no policy is asked.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from offload_sdk._types import Decision
from offload_sdk.execute.patience import patience_s
from offload_sdk.replay.case import Bill, Case, Run, total_j

__all__ = ["Gap", "Plan", "plan_of", "settle"]


class Gap(Enum):
    """Why a bill cannot be told: an option that counts did not run, or it was stopped too early."""

    NOT_RUN = "not run"
    CUT_SHORT = "cut short"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The options that are started for an image.

    `backup` starts as soon as `first` has failed, at the latest `after_s` seconds after it. A `hedge` leaves
    `first` running then, and the first answer counts; otherwise `first` is given up.
    """

    first: str
    backup: str | None = None
    after_s: float = math.inf
    hedge: bool = False


def plan_of(decision: Decision, case: Case, timeout_s: float) -> Plan:
    """Return what the decision leads to. `timeout_s` bounds every remote attempt."""
    predicted = decision.predicted
    if decision.second is not None:
        after_s = math.inf if decision.second_after_s is None else decision.second_after_s
        return Plan(first=decision.chosen, backup=decision.second, after_s=after_s, hedge=True)
    chosen = predicted[decision.chosen]
    spares = [
        estimate
        for estimate in predicted.values()
        if estimate.option != chosen.option and estimate.option not in case.situation.unavailable
    ]
    spare = min(spares, key=lambda e: (e.path != "local", e.latency_mean_s), default=None)
    after_s = math.inf
    if chosen.path == "remote":
        after_s = patience_s(chosen, spare, 0.0, case.situation.deadline_s, timeout_s)
    return Plan(first=chosen.option, backup=None if spare is None else spare.option, after_s=after_s)


def settle(plan: Plan, runs: Mapping[str, Run], case: Case) -> Bill | Gap:
    """Return what the plan takes given what each option takes, or why that cannot be told.

    With the times f and b of the two options the answer is there after f if f ≤ h, else after min(f, h + b) in a
    hedge and after h + b without. A time of which only "longer than c" is known is enough wherever another
    answer is there before c. What was started is paid in full, whether or not it was needed in the end.
    """
    first = runs.get(plan.first)
    if first is None:
        return Gap.NOT_RUN
    if first.latency_s <= plan.after_s:
        if first.answered:
            return _bill(plan.first, first.latency_s, [first], case)
        if first.censored and first.latency_s < plan.after_s:
            return Gap.CUT_SHORT
    over_s = min(first.latency_s, plan.after_s)
    if plan.backup is None:
        return _bill(None, over_s, [first], case)
    backup = runs.get(plan.backup)
    if backup is None:
        return Gap.NOT_RUN
    duplicate = plan.hedge and (first.latency_s > plan.after_s or first.censored)
    ends = {plan.backup: (over_s + backup.latency_s, backup)}
    if duplicate:
        ends[plan.first] = (first.latency_s, first)
    answers = [(end_s, option) for option, (end_s, run) in ends.items() if run.answered]
    end_s, option = min(answers, default=(math.inf, None))
    if any(run.censored and bound_s < end_s for bound_s, run in ends.values()):
        return Gap.CUT_SHORT
    if option is None:
        end_s = max(bound_s for bound_s, _ in ends.values())
    return _bill(option, end_s, [first, backup], case, duplicate)


def _bill(option: str | None, end_s: float, runs: list[Run], case: Case, duplicate: bool = False) -> Bill:
    latency_s = case.overhead_s + end_s
    late = None
    if case.deadline_s is not None:
        late = option is None or latency_s > case.deadline_s
    return Bill(
        latency_s=latency_s,
        option=option,
        late=late,
        energy_j=total_j([run.energy_j for run in runs]),
        cost_usd=sum(run.cost_usd for run in runs),
        sent_bytes=sum(run.sent_bytes for run in runs),
        duplicate=duplicate,
    )
