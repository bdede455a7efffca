"""What each policy promises on its own: fastest, frugal, cheapest, in time, and what `Shadowed` adds."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from situations import estimate, open_estimates, policy, situation, situations

from offload_sdk._types import Decision, Situation
from offload_sdk.decide import MeetDeadline, Shadowed
from offload_sdk.decide.options import expected_latency_s
from offload_sdk.errors import ConfigurationError

pytestmark = pytest.mark.light


# latency, energy, cost


@given(case=situations())
@settings(max_examples=40, deadline=None)
def test_latency_takes_the_least_expected_time(case: Situation) -> None:
    chosen = policy("latency").decide(case).chosen
    times = {e.option: expected_latency_s(e, case) for e in open_estimates(case)}
    assert times[chosen] == min(times.values())


def test_the_expected_time_counts_the_detour_after_a_failure() -> None:
    local, flaky = estimate("local", 0.100), estimate("edge", 0.080, sd_s=0.0, success=0.5)
    case = situation(local, flaky)
    # Half the time 80 ms; half the time 80 ms are lost and local takes its 100.
    assert expected_latency_s(flaky, case) == pytest.approx(0.5 * 0.080 + 0.5 * (0.080 + 0.100))
    assert policy("latency").decide(case).chosen == "local"
    assert policy("latency").decide(situation(local, estimate("edge", 0.080))).chosen == "edge"


@given(case=situations())
@settings(max_examples=40, deadline=None)
def test_energy_takes_the_least_energy_if_it_is_known_for_all(case: Situation) -> None:
    chosen = policy("energy").decide(case)
    candidates = open_estimates(case)
    if all(e.energy_j is not None for e in candidates):
        assert chosen.predicted[chosen.chosen].energy_j == min(e.energy_j for e in candidates)
    else:
        times = {e.option: expected_latency_s(e, case) for e in candidates}
        assert times[chosen.chosen] == min(times.values())
        assert "unknown" in chosen.reason


@given(case=situations())
@settings(max_examples=40, deadline=None)
def test_cost_takes_the_least_money_and_among_equals_the_fastest(case: Situation) -> None:
    chosen = policy("cost").decide(case)
    candidates = open_estimates(case)
    least = min(e.cost_usd for e in candidates)
    cheapest = [e for e in candidates if e.cost_usd == least]
    assert chosen.chosen in {e.option for e in cheapest}
    taken = expected_latency_s(chosen.predicted[chosen.chosen], case)
    assert taken == min(expected_latency_s(e, case) for e in cheapest)


@pytest.mark.parametrize("name", ["local", "remote"])
def test_a_fixed_policy_takes_the_other_side_only_if_its_own_is_out(name: str) -> None:
    mine, other = ("local", "edge") if name == "local" else ("edge", "local")
    case = situation(estimate("local", 9.0 if name == "local" else 0.01), estimate("edge", 0.5))
    assert policy(name).decide(case).chosen == mine
    barred = situation(*case.estimates, unavailable={mine: "3 failures in a row"})
    decision = policy(name).decide(barred)
    assert decision.chosen == other
    assert "no open option" in decision.reason


def test_remote_takes_the_fastest_of_several_endpoints() -> None:
    case = situation(estimate("local", 0.01), estimate("cloud", 0.2), estimate("edge", 0.1))
    assert policy("remote").decide(case).chosen == "edge"
    barred = situation(*case.estimates, unavailable={"edge": "out for 2 s"})
    assert policy("remote").decide(barred).chosen == "cloud"


def test_an_unknown_policy_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError, match="fastest"):
        policy("fastest")


# deadline


def test_deadline_takes_the_cheapest_that_is_in_time() -> None:
    fast_dear = estimate("edge", 0.05, cost_usd=1e-4)
    slow_cheap = estimate("local", 0.2, sd_s=0.01)
    assert MeetDeadline(0.9).decide(situation(fast_dear, slow_cheap, deadline_s=1.0)).chosen == "local"
    assert MeetDeadline(0.9).decide(situation(fast_dear, slow_cheap, deadline_s=0.1)).chosen == "edge"


def test_deadline_takes_the_likeliest_if_none_is_in_time() -> None:
    decision = MeetDeadline(0.9).decide(
        situation(estimate("local", 0.5, sd_s=0.1), estimate("edge", 0.3, sd_s=0.1), deadline_s=0.2)
    )
    assert decision.chosen == "edge"
    assert "likeliest" in decision.reason


def test_deadline_counts_an_option_that_often_fails_as_late() -> None:
    flaky = estimate("edge", 0.01, success=0.5)
    safe = estimate("local", 0.08, sd_s=0.005, cost_usd=1e-3)
    assert MeetDeadline(0.9).decide(situation(flaky, safe, deadline_s=0.1)).chosen == "local"


def test_without_a_deadline_the_fastest_is_taken_and_the_reason_tells_the_times() -> None:
    decision = MeetDeadline(0.9).decide(situation(estimate("local", 0.08), estimate("edge", 0.02)))
    assert decision.chosen == "edge"
    assert "20 ms" in decision.reason


# Shadowed


def test_shadow_runs_are_a_fair_share_and_leave_the_answer_alone() -> None:
    plain, shadowed = policy("latency"), Shadowed(policy("latency"), 0.25, random.Random(7))
    case = situation(estimate("local", 0.01), estimate("edge", 0.1), estimate("cloud", 0.2))
    decisions = [shadowed.decide(case) for _ in range(2000)]
    assert {(d.chosen, d.reason) for d in decisions} == {(plain.decide(case).chosen, plain.decide(case).reason)}
    assert {d.shadow for d in decisions} == {(), ("edge", "cloud")}
    assert 0.20 < sum(bool(d.shadow) for d in decisions) / len(decisions) < 0.30


@pytest.mark.parametrize(("rate", "share"), [(0.0, 0), (1.0, 50)])
def test_a_shadow_rate_of_none_or_all_is_exact(rate: float, share: int) -> None:
    shadowed = Shadowed(policy("local"), rate, random.Random(1))
    case = situation(estimate("local"), estimate("edge"))
    assert sum(bool(shadowed.decide(case).shadow) for _ in range(50)) == share


def test_a_policy_that_learns_still_learns_when_it_is_shadowed() -> None:
    class Learner:
        def __init__(self) -> None:
            self.seen: list[Decision] = []

        def decide(self, case: Situation) -> Decision:
            return policy("auto").decide(case)

        def learn(self, decision: Decision, outcomes) -> None:
            self.seen.append(decision)

    learner = Learner()
    shadowed = Shadowed(learner, 1.0, random.Random(0))
    decision = shadowed.decide(situation(estimate("local"), estimate("edge")))
    shadowed.learn(decision, ())
    assert learner.seen == [decision]
