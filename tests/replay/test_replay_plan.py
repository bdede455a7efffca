"""What a plan costs given the times of both options: hedges, failures, patience, censoring."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import LABELS, OPEN_S, Moment, estimates, named, outcome, record

from offload_sdk._types import Decision, Outcome, Situation
from offload_sdk.decide import MeetDeadline
from offload_sdk.execute.patience import patience_s
from offload_sdk.replay.case import Bill, Case, Run, case_of
from offload_sdk.replay.plan import Gap, Plan, plan_of, settle

MOMENT = Moment(local_s=0.06, remote_s=0.05, local_mean_s=0.06, remote_mean_s=0.05)
LOCAL, CLOUD = estimates(MOMENT)
times = st.floats(0.0, 20.0)


def a_decision(chosen: str = "cloud", **changes: object) -> Decision:
    values = {
        "chosen": chosen,
        "path": "local" if chosen == "local" else "remote",
        "policy": "x",
        "reason": "",
        "predicted": {"local": LOCAL, "cloud": CLOUD},
    }
    return Decision(**{**values, **changes})  # type: ignore[arg-type]


def a_case(*outcomes: Outcome, deadline_s: float | None = None, **changes: object) -> Case:
    ran = outcomes or (outcome("cloud", 0.05),)
    return case_of(record(0, a_decision(**changes), ran, OPEN_S + 0.05, deadline_s=deadline_s))


def hedge(after_s: float) -> Plan:
    return Plan(first="cloud", backup="local", after_s=after_s, hedge=True)


def took(plan: Plan, cloud: Run, local: Run, case: Case | None = None) -> float:
    """Seconds from the decision to the answer."""
    case = case or a_case()
    bill = settle(plan, {"cloud": cloud, "local": local}, case)
    assert isinstance(bill, Bill)
    return bill.latency_s - case.overhead_s


@given(times, times, times)
def test_a_hedge_takes_the_first_answer_of_the_two(r: float, l: float, h: float) -> None:  # noqa: E741
    expected = r if r <= h else min(r, h + l)
    assert took(hedge(h), Run(latency_s=r), Run(latency_s=l)) == pytest.approx(expected)


@given(times, times, times)
def test_a_hedge_is_never_slower_than_its_first_alone_and_a_race_is_the_best_there_is(
    r: float,
    l: float,  # noqa: E741
    h: float,
) -> None:
    first, second = Run(latency_s=r), Run(latency_s=l)
    assert took(hedge(h), first, second) <= r + 1e-9
    assert took(hedge(0.0), first, second) == pytest.approx(min(r, l))
    assert took(hedge(math.inf), first, second) == pytest.approx(r)


@given(times, times, times, times)
def test_a_later_second_never_answers_sooner(r: float, l: float, h: float, more: float) -> None:  # noqa: E741
    first, second = Run(latency_s=r), Run(latency_s=l)
    assert took(hedge(h), first, second) <= took(hedge(h + more), first, second) + 1e-9


@given(times, times, times, st.floats(0.0, 1.0))
def test_a_censored_time_gives_the_true_bill_or_none(r: float, l: float, h: float, frac: float) -> None:  # noqa: E741
    case, second = a_case(), Run(latency_s=l)
    truth = took(hedge(h), Run(latency_s=r), second)
    cut = settle(
        hedge(h), {"cloud": Run(latency_s=frac * r, answered=False, censored=True), "local": second}, case
    )
    assert cut is Gap.CUT_SHORT or cut.latency_s - case.overhead_s == pytest.approx(truth)


def test_a_loser_that_was_cancelled_tells_enough_of_the_race_it_lost() -> None:
    cut = Run(latency_s=0.1, answered=False, censored=True)
    assert took(hedge(0.04), cut, Run(latency_s=0.05)) == pytest.approx(0.09)
    assert settle(hedge(0.06), {"cloud": cut, "local": Run(latency_s=0.05)}, a_case()) is Gap.CUT_SHORT
    assert settle(Plan(first="cloud"), {"cloud": cut}, a_case()) is Gap.CUT_SHORT


def test_both_sides_of_a_hedge_are_paid_in_full() -> None:
    runs = {
        "cloud": Run(latency_s=0.2, energy_j=0.1, cost_usd=1e-5, sent_bytes=3e4),
        "local": Run(latency_s=0.05, energy_j=0.2),
    }
    started, spared = settle(hedge(0.1), runs, a_case()), settle(hedge(0.3), runs, a_case())
    assert isinstance(started, Bill)
    assert isinstance(spared, Bill)
    assert (started.option, started.duplicate, started.energy_j) == ("local", True, pytest.approx(0.3))
    assert (started.cost_usd, started.sent_bytes) == (1e-5, 3e4)
    assert (spared.option, spared.duplicate, spared.energy_j) == ("cloud", False, 0.1)


@pytest.mark.parametrize("is_hedge", [False, True])
def test_a_failure_starts_the_backup_at_once(is_hedge: bool) -> None:
    plan = Plan(first="cloud", backup="local", after_s=5.0, hedge=is_hedge)
    refused = Run(latency_s=0.02, answered=False)
    assert took(plan, refused, Run(latency_s=0.06)) == pytest.approx(0.08)
    bill = settle(plan, {"cloud": refused, "local": Run(latency_s=0.06, answered=False)}, a_case(deadline_s=9.0))
    assert isinstance(bill, Bill)
    assert (bill.option, bill.late) == (None, True)


def test_without_a_hedge_patience_ends_and_what_came_later_does_not_count() -> None:
    plan = Plan(first="cloud", backup="local", after_s=0.3)
    assert took(plan, Run(latency_s=0.31), Run(latency_s=0.06)) == pytest.approx(0.36)
    assert settle(plan, {"cloud": Run(latency_s=0.31)}, a_case()) is Gap.NOT_RUN
    assert settle(plan, {"local": Run(latency_s=0.31)}, a_case()) is Gap.NOT_RUN


def test_lateness_counts_the_whole_call() -> None:
    case = a_case(deadline_s=0.05)
    assert settle(Plan(first="cloud"), {"cloud": Run(latency_s=0.0495)}, case) == Bill(
        latency_s=pytest.approx(0.0505), option="cloud", late=True
    )


def test_a_decision_leads_to_what_the_loop_does_with_it() -> None:
    case = a_case(deadline_s=0.4)
    left_s = 0.4 - OPEN_S
    patience = patience_s(CLOUD, LOCAL, 0.0, left_s, 10.0)
    assert plan_of(a_decision("cloud"), case, 10.0) == Plan(first="cloud", backup="local", after_s=patience)
    assert plan_of(a_decision("local"), case, 10.0) == Plan(first="local", backup="cloud")
    hedged = a_decision("cloud", second="local", second_after_s=0.07)
    assert plan_of(hedged, case, 10.0) == hedge(0.07)


def test_a_barred_endpoint_is_nobodys_backup() -> None:
    reason = "the fastest: local 60 ms; cloud is out: two failures in a row"
    case = case_of(record(0, a_decision("local", reason=reason), [outcome("local", 0.06)], 0.061))
    assert list(case.situation.unavailable) == ["cloud"]
    assert not case.eligible
    assert plan_of(a_decision("local"), case, 10.0) == Plan(first="local")


def test_barred_endpoints_are_read_from_the_sentence_that_policies_write() -> None:
    situation = Situation(
        estimates=(LOCAL, CLOUD),
        snapshot=record(0, a_decision(), [], 0.0).snapshot,
        image=record(0, a_decision(), [], 0.0).image,
        unavailable={"cloud": "3 failures in a row"},
    )
    for policy in (named("latency"), named("local"), named("remote"), MeetDeadline()):
        case = case_of(record(0, policy.decide(situation), [outcome("local", 0.06)], 0.061))
        assert list(case.situation.unavailable) == ["cloud"]


def test_a_loser_that_was_cancelled_is_a_lower_bound_in_the_log() -> None:
    late = outcome("local", 0.06, "hedge", started_s=0.08)
    cut = outcome("cloud", 0.14, status="ignored", censored=True, labels=())
    case = a_case(cut, late, second="local", second_after_s=0.08)
    assert plan_of(case.decision, case, 10.0) == hedge(0.08)
    assert case.bill.duplicate
    assert case.own["cloud"] == Run(
        latency_s=0.14, answered=False, censored=True, energy_j=0.05, cost_usd=1e-5, sent_bytes=30_000
    )


def test_runs_that_say_nothing_are_not_taken_for_times() -> None:
    dropped = outcome("local", 0.0, "shadow", status="ignored", error_kind="busy", labels=())
    case = a_case(outcome("cloud", 0.05), dropped, shadow=("local",))
    assert not case.shadows
    assert case.lost
    assert not case.shadowed
    endless = outcome("local", math.inf, "shadow")
    assert not a_case(outcome("cloud", 0.05), endless, shadow=("local",)).shadows
    probe = replace(outcome("cloud", 0.01), role="probe", labels=LABELS)
    assert case_of(record(0, a_decision("local"), [outcome("local", 0.06), probe], 0.061)).runs.keys() == {"local"}
