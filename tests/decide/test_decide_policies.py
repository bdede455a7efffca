"""What each policy promises on its own: fastest, frugal, cheapest, in time, and `auto`'s prices and limits."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from situations import MAINS, PRICES, estimate, on_battery, policy, situation, situations

from offload_sdk._types import Decision, Situation, Snapshot
from offload_sdk.decide import Auto, MeetDeadline, Shadowed
from offload_sdk.decide.options import expected_latency_s
from offload_sdk.errors import ConfigurationError

pytestmark = pytest.mark.light


def open_estimates(case: Situation):
    return [e for e in case.estimates if e.option not in case.unavailable] or list(case.estimates)


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


# auto


def money_only(case: Situation) -> dict[str, float]:
    return {
        e.option: expected_latency_s(e, case) + PRICES["seconds_per_usd"] * e.cost_usd
        for e in open_estimates(case)
    }


@given(case=situations())
@settings(max_examples=40, deadline=None)
def test_auto_on_mains_is_time_with_a_price_on_money(case: Situation) -> None:
    plugged = situation(*case.estimates, snapshot=MAINS, unavailable=case.unavailable)
    weights = money_only(plugged)
    alone = policy("auto", duplicates_frac=0.0)
    assert weights[alone.decide(plugged).chosen] == pytest.approx(min(weights.values()))


@pytest.mark.parametrize(
    "snapshot",
    [
        Snapshot(taken_s=0.0),
        Snapshot(taken_s=0.0, on_mains=None, battery_frac=0.3),
        Snapshot(taken_s=0.0, on_mains=False, battery_frac=None),
    ],
)
def test_auto_gives_energy_no_price_where_the_supply_is_unknown(snapshot: Snapshot) -> None:
    fast_hungry, slow_frugal = estimate("local", 0.10, energy_j=50.0), estimate("edge", 0.11, energy_j=0.01)
    assert policy("auto").decide(situation(fast_hungry, slow_frugal, snapshot=snapshot)).chosen == "local"


@given(
    slower_s=st.floats(0.001, 1.0),
    saved_j=st.floats(0.01, 20.0),
    charges=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=12),
)
@settings(max_examples=40, deadline=None)
def test_auto_weighs_energy_the_more_the_emptier_the_battery(slower_s, saved_j, charges) -> None:
    hungry = estimate("local", 0.05, energy_j=0.1 + saved_j)
    frugal = estimate("edge", 0.05 + slower_s, energy_j=0.1)
    chosen = [
        policy("auto").decide(situation(hungry, frugal, snapshot=on_battery(charge))).chosen
        for charge in sorted(charges, reverse=True)
    ]
    # As the charge falls it goes over to the frugal option once at most, and never back.
    assert chosen == sorted(chosen, reverse=True), chosen


def test_auto_goes_over_to_the_frugal_option_at_the_charge_that_the_price_says() -> None:
    hungry, frugal = estimate("local", 0.10, energy_j=2.0), estimate("edge", 0.15, energy_j=1.0)
    # 0.05 s more for 1 J less at 0.02 s/J: worth it below a charge of 0.4.
    auto = policy("auto")
    assert auto.decide(situation(hungry, frugal, snapshot=on_battery(0.45))).chosen == "local"
    assert auto.decide(situation(hungry, frugal, snapshot=on_battery(0.35))).chosen == "edge"
    dearer = policy("auto", seconds_per_joule=0.04)
    assert dearer.decide(situation(hungry, frugal, snapshot=on_battery(0.45))).chosen == "edge"


def test_auto_ignores_energy_that_is_unknown_for_an_option() -> None:
    unknown, known = estimate("local", 0.10, energy_j=None), estimate("edge", 0.09, energy_j=100.0)
    assert policy("auto").decide(situation(unknown, known, snapshot=on_battery(0.1))).chosen == "edge"


def test_auto_below_the_battery_threshold_takes_the_least_energy() -> None:
    hungry, frugal = estimate("local", 0.01, energy_j=0.2), estimate("edge", 5.0, energy_j=0.1)
    auto = policy("auto")
    assert auto.decide(situation(hungry, frugal, snapshot=on_battery(0.16))).chosen == "local"
    decision = auto.decide(situation(hungry, frugal, snapshot=on_battery(0.14)))
    assert decision.chosen == "edge"
    assert "14%" in decision.reason
    assert "15%" in decision.reason
    plugged = Snapshot(taken_s=0.0, on_mains=True, battery_frac=0.14)
    assert auto.decide(situation(hungry, frugal, snapshot=plugged)).chosen == "local"


def test_auto_below_the_signal_threshold_sends_nothing() -> None:
    slow, fast = estimate("local", 5.0), estimate("edge", 0.01)
    auto = policy("auto")
    weak, fair = Snapshot(taken_s=0.0, signal_dbm=-89.0), Snapshot(taken_s=0.0, signal_dbm=-87.0)
    assert auto.decide(situation(slow, fast, snapshot=fair)).chosen == "edge"
    decision = auto.decide(situation(slow, fast, snapshot=weak))
    assert decision.chosen == "local"
    assert "-89 dBm" in decision.reason
    # A limit that no option keeps is dropped: the image gets its answer.
    assert auto.decide(situation(fast, estimate("cloud", 0.5), snapshot=weak)).chosen == "edge"


def test_auto_keeps_the_deadline_with_the_probability_asked_for() -> None:
    risky = estimate("edge", 0.05, sd_s=0.05)
    sure = estimate("local", 0.09, sd_s=0.002)
    auto = policy("auto")
    assert auto.decide(situation(risky, sure)).chosen == "edge"
    chance = risky.latency.probability_within(0.1)
    assert 0.8 < chance < 0.95
    strict = policy("auto", deadline_probability=chance + 0.01)
    lax = policy("auto", deadline_probability=chance - 0.01)
    assert strict.decide(situation(risky, sure, deadline_s=0.1)).chosen == "local"
    assert lax.decide(situation(risky, sure, deadline_s=0.1)).chosen == "edge"


@given(case=situations())
@settings(max_examples=40, deadline=None)
def test_auto_never_takes_an_unsafe_option_while_a_safe_one_is_open(case: Situation) -> None:
    if case.deadline_s is None:
        return
    quiet = situation(  # no other limit interferes
        *case.estimates, snapshot=MAINS, deadline_s=case.deadline_s, unavailable=case.unavailable
    )
    decision = policy("auto").decide(quiet)
    chances = {
        e.option: e.success_probability * e.latency.probability_within(case.deadline_s)
        for e in open_estimates(quiet)
    }
    if max(chances.values()) >= 0.9:
        assert chances[decision.chosen] >= 0.9
    else:
        assert chances[decision.chosen] == max(chances.values())


def test_auto_stops_spending_where_money_is_dear() -> None:
    slow_free, fast_dear = estimate("local", 0.10), estimate("cloud", 0.05, cost_usd=2e-4)
    # 0.05 s for 200 µUSD: worth it below 250 s/USD.
    case = situation(slow_free, fast_dear)
    lavish, thrifty = (policy("auto", seconds_per_usd=price, duplicates_frac=0.0) for price in (200.0, 300.0))
    assert lavish.decide(case).chosen == "cloud"
    assert thrifty.decide(case).chosen == "local"


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


def test_auto_is_public_with_its_prices_as_arguments() -> None:
    decision = Auto(**PRICES).decide(situation(estimate("local", 0.05), estimate("edge", 0.02)))
    assert (decision.chosen, decision.policy) == ("edge", "auto")
