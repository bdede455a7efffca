"""What the wrappers add to a policy: a choice that holds, and a trace of how it came about."""

from __future__ import annotations

import itertools
import logging
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from situations import MAINS, estimate, outcome, policy, situation

from offload_sdk._types import Decision, Situation, Snapshot
from offload_sdk.decide import Decided, Hysteresis, Learned, Traced
from offload_sdk.decide.options import expected_latency_s
from offload_sdk.typing import Policy

pytestmark = pytest.mark.light


def near_ties(count: int) -> list[Situation]:
    """Two options whose predictions wander by a few percent about the same time."""
    rng = random.Random(11)
    return [
        situation(
            estimate("local", 0.05 * rng.lognormvariate(0.0, 0.03)),
            estimate("edge", 0.05 * rng.lognormvariate(0.0, 0.03)),
        )
        for _ in range(count)
    ]


def changes(chooser: Policy, cases: list[Situation]) -> int:
    chosen = [chooser.decide(case).chosen for case in cases]
    return sum(a != b for a, b in itertools.pairwise(chosen))


# Hysteresis


def test_a_choice_between_near_equals_holds() -> None:
    cases = near_ties(300)
    assert changes(policy("latency"), cases) > 100
    assert changes(Hysteresis(policy("latency"), 0.1), cases) <= 10


@given(
    times=st.lists(st.tuples(st.floats(0.01, 1.0), st.floats(0.01, 1.0)), min_size=1, max_size=30),
    margin=st.floats(0.0, 0.9),
)
@settings(max_examples=60, deadline=None)
def test_a_held_choice_costs_at_most_the_margin(times: list[tuple[float, float]], margin: float) -> None:
    steady = Hysteresis(policy("latency"), margin)
    for local_s, edge_s in times:
        case = situation(estimate("local", local_s), estimate("edge", edge_s))
        taken = next(e for e in case.estimates if e.option == steady.decide(case).chosen)
        assert expected_latency_s(taken, case) * (1.0 - margin) <= min(local_s, edge_s) * (1.0 + 1e-9)


@pytest.mark.parametrize("name", ["latency", "energy", "cost", "auto"])
def test_the_margin_is_in_what_the_policy_minimises(name: str) -> None:
    def case(edge: float) -> Situation:
        parts = {"local": 1.0, "edge": edge}
        return situation(*(estimate(o, 0.1 * x, energy_j=x, cost_usd=1e-5 * x) for o, x in parts.items()))

    steady = Hysteresis(policy(name), 0.2)
    assert steady.decide(case(1.5)).chosen == "local"
    assert steady.decide(case(0.85)).chosen == "local"
    assert steady.decide(case(0.75)).chosen == "edge"
    assert steady.decide(case(1.15)).chosen == "edge"
    assert steady.decide(case(1.35)).chosen == "local"


def test_limits_and_closed_circuits_end_a_held_choice_at_once() -> None:
    near, edge = estimate("local", 0.051), estimate("edge", 0.050)
    steady = Hysteresis(policy("auto"), 0.5)
    assert steady.decide(situation(near, edge)).chosen == "edge"
    weak = Snapshot(taken_s=0.0, on_mains=True, signal_dbm=-95.0)
    assert steady.decide(situation(near, edge, snapshot=weak)).chosen == "local"
    steady = Hysteresis(policy("auto"), 0.5)
    assert steady.decide(situation(near, edge)).chosen == "edge"
    assert steady.decide(situation(near, edge, unavailable={"edge": "3 failures in a row"})).chosen == "local"


def test_the_predictions_of_a_held_choice_stay_what_they_were() -> None:
    case = situation(estimate("local", 0.05), estimate("edge", 0.06))
    steady = Hysteresis(policy("latency"), 0.25)
    assert steady.decide(case) == policy("latency").decide(case)
    again = steady.decide(case)
    assert dict(again.predicted) == {e.option: e for e in case.estimates}
    assert "local, in use, is seen 25% lower than predicted" in again.reason


def test_an_option_that_was_only_tried_is_not_held() -> None:
    class Trying:
        def decide(self, case: Situation) -> Decision:
            seen.append({e.option: e.latency.mean_s for e in case.estimates})
            return Decision(
                chosen="edge", path="remote", policy="trying", reason="try 1", predicted={}, explored=len(seen) > 1
            )

    seen: list[dict[str, float]] = []
    steady = Hysteresis(Trying(), 0.5)
    case = situation(estimate("local", 0.1), estimate("edge", 0.1))
    for _ in range(3):
        steady.decide(case)
    assert seen == [{"local": 0.1, "edge": 0.1}, {"local": 0.1, "edge": 0.05}, {"local": 0.1, "edge": 0.05}]


@pytest.mark.parametrize("margin", [-0.1, 1.0, float("nan")])
def test_a_margin_that_makes_no_sense_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin_frac"):
        Hysteresis(policy("auto"), margin)


# Traced


def test_a_trace_holds_every_decision_and_what_became_of_it() -> None:
    events: list[Decided | Learned] = []
    traced = Traced(policy("bandit"), events.append)
    case = situation(estimate("local"), estimate("edge"), snapshot=MAINS)
    decision = traced.decide(case)
    ran = (outcome("local", 0.04),)
    traced.learn(decision, iter(ran))
    assert events == [Decided(situation=case, decision=decision), Learned(decision=decision, outcomes=ran)]


def test_what_is_traced_still_learns() -> None:
    case = situation(estimate("local", 0.05), estimate("edge", 0.06))
    traced, plain = Traced(policy("bandit"), lambda event: None), policy("bandit")
    for chooser in (traced, plain):
        for _ in range(20):
            chooser.learn(chooser.decide(case), [outcome("local", 0.2)])  # type: ignore[attr-defined]
    assert traced.decide(case) == plain.decide(case)


def test_a_sink_that_fails_costs_no_image_and_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    def broken(event: object) -> None:
        raise OSError("disk full")

    traced = Traced(policy("auto"), broken)
    case = situation(estimate("local"), estimate("edge", 0.5))
    for _ in range(3):
        decision = traced.decide(case)
        traced.learn(decision, ())
        assert decision.chosen == "local"
    assert [record.message for record in caplog.records] == [
        "the sink of the trace failed; its further faults are not told"
    ]


def test_without_a_sink_the_trace_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="offload_sdk.decide")
    traced = Traced(policy("auto"))
    decision = traced.decide(situation(estimate("local"), estimate("edge", 0.5)))
    traced.learn(decision, [outcome("local", 0.0512)])
    assert [record.getMessage() for record in caplog.records] == [
        f"auto: {decision.reason}",
        "auto chose local: local success after 51 ms",
    ]
