"""What `auto` promises: its prices, its limits, its hedges."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from situations import MAINS, PRICES, estimate, on_battery, open_estimates, outcome, policy, situation, situations

from offload_sdk._types import Decision, Situation, Snapshot
from offload_sdk.decide import Auto
from offload_sdk.decide.options import expected_latency_s

pytestmark = pytest.mark.light


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
    alone = {"duplicates_frac": 0.0}
    assert policy("auto", **alone).decide(situation(risky, sure)).chosen == "edge"
    chance = risky.latency.probability_within(0.1)
    assert 0.8 < chance < 0.95
    strict = policy("auto", deadline_probability=chance + 0.01, **alone)
    lax = policy("auto", deadline_probability=chance - 0.01, **alone)
    assert strict.decide(situation(risky, sure, deadline_s=0.1)).chosen == "local"
    assert lax.decide(situation(risky, sure, deadline_s=0.1)).chosen == "edge"


def chance_of_course(decision: Decision, case: Situation) -> float:
    """P(the option, or the second one if it is a hedge, is in time), the two being independent."""
    assert case.deadline_s is not None
    first = decision.predicted[decision.chosen]
    late = 1.0 - first.success_probability * first.latency.probability_within(case.deadline_s)
    if decision.second is not None and decision.second_after_s is not None:
        second = decision.predicted[decision.second]
        left_s = case.deadline_s - decision.second_after_s
        late *= 1.0 - second.success_probability * second.latency.probability_within(left_s)
    return 1.0 - late


@given(case=situations(), duplicates_frac=st.sampled_from((0.0, 0.1)))
@settings(max_examples=80, deadline=None)
def test_auto_takes_nothing_unsafe_while_something_safe_is_open(case: Situation, duplicates_frac: float) -> None:
    if case.deadline_s is None:
        return
    quiet = situation(  # no other limit interferes
        *case.estimates, snapshot=MAINS, deadline_s=case.deadline_s, unavailable=case.unavailable
    )
    decision = policy("auto", duplicates_frac=duplicates_frac).decide(quiet)
    alone = max(
        e.success_probability * e.latency.probability_within(case.deadline_s) for e in open_estimates(quiet)
    )
    chance = chance_of_course(decision, quiet)
    if alone >= 0.9:
        assert chance >= 0.9 - 1e-9
    else:
        assert chance >= alone - 1e-9
        assert ("likeliest" in decision.reason) == (chance < 0.9)


def test_auto_hedges_to_keep_a_deadline_that_neither_side_keeps_alone() -> None:
    shaky, slow = estimate("edge", 0.05, sd_s=0.04), estimate("local", 0.09, sd_s=0.012)
    case = situation(slow, shaky, deadline_s=0.1)
    chances = [e.latency.probability_within(0.1) for e in (slow, shaky)]
    assert max(chances) < 0.95
    decision = policy("auto", deadline_probability=0.97).decide(case)
    assert (decision.chosen, decision.second) == ("edge", "local")
    assert chance_of_course(decision, case) >= 0.97
    assert "likeliest" not in decision.reason
    # Without duplicates nothing keeps it, and the likelier of the two is taken.
    lonely = policy("auto", deadline_probability=0.97, duplicates_frac=0.0).decide(case)
    assert lonely.second is None
    assert "none keeps 100 ms with 97%" in lonely.reason


def test_auto_starts_the_device_the_earlier_the_nearer_the_deadline() -> None:
    shaky, device = estimate("edge", 0.05, sd_s=0.04), estimate("local", 0.09, sd_s=0.009)
    starts = [
        policy("auto", deadline_probability=0.97).decide(situation(device, shaky, deadline_s=deadline_s))
        for deadline_s in (1.0, 0.13, 0.11)
    ]
    assert all(decision.second == "local" for decision in starts)
    after_s = [decision.second_after_s or 0.0 for decision in starts]
    assert after_s == sorted(after_s, reverse=True)
    assert after_s[0] > after_s[-1]


def test_auto_stops_spending_where_money_is_dear() -> None:
    slow_free, fast_dear = estimate("local", 0.10), estimate("cloud", 0.05, cost_usd=2e-4)
    # 0.05 s for 200 µUSD: worth it below 250 s/USD.
    case = situation(slow_free, fast_dear)
    lavish, thrifty = (policy("auto", seconds_per_usd=price, duplicates_frac=0.0) for price in (200.0, 300.0))
    assert lavish.decide(case).chosen == "cloud"
    assert thrifty.decide(case).chosen == "local"


SPIKY = estimate("edge", 0.08, sd_s=0.2)
DEVICE = estimate("local", 0.08, sd_s=0.002)


def test_auto_lets_the_device_start_too_and_says_when_and_how_likely() -> None:
    decision = policy("auto").decide(situation(DEVICE, SPIKY))
    assert (decision.chosen, decision.second) == ("edge", "local")
    assert decision.second_after_s is not None
    assert 0.0 < decision.second_after_s < 0.5
    assert f"; local too after {decision.second_after_s * 1e3:.0f} ms (" in decision.reason
    assert "% likely)" in decision.reason


def test_auto_never_hedges_without_a_budget() -> None:
    auto = policy("auto", duplicates_frac=0.0)
    for _ in range(200):
        decision = auto.decide(situation(DEVICE, SPIKY))
        assert decision.second is decision.second_after_s is None
        auto.learn(decision, (outcome("edge", 0.05),))


def test_auto_hedges_only_between_the_device_and_an_endpoint() -> None:
    auto = policy("auto")
    assert auto.decide(situation(DEVICE, estimate("edge", 0.5))).second is None  # the device is sure enough
    assert auto.decide(situation(SPIKY, estimate("cloud", 0.06, sd_s=0.05))).second is None
    barred = situation(DEVICE, SPIKY, unavailable={"local": "no model"})
    assert auto.decide(barred).second is None


@pytest.mark.parametrize(
    "snapshot", [on_battery(0.1), on_battery(0.9, signal_dbm=-95.0)], ids=["battery", "signal"]
)
def test_auto_duplicates_nothing_where_a_limit_stands(snapshot: Snapshot) -> None:
    frugal = estimate("edge", 0.05, sd_s=0.05, energy_j=0.01)
    assert policy("auto").decide(situation(DEVICE, frugal, snapshot=snapshot)).second is None


def test_auto_counts_the_energy_of_duplicates() -> None:
    """The dearer a joule, the later the device starts."""
    device, edge = estimate("local", 0.08, energy_j=0.5), estimate("edge", 0.08, sd_s=0.2, energy_j=0.1)
    starts = []
    for snapshot in (MAINS, on_battery(1.0), on_battery(0.5), on_battery(0.2)):
        decision = policy("auto").decide(situation(device, edge, snapshot=snapshot))
        assert (decision.chosen, decision.second) == ("edge", "local")
        starts.append(decision.second_after_s or 0.0)
    assert starts == sorted(starts)
    assert starts[-1] > 3.0 * starts[0]


def test_auto_counts_the_money_of_duplicates() -> None:
    """Electricity on the device costs money too, where its price is set."""
    starts = []
    for cost_usd in (0.0, 5e-5, 2e-4):
        device, edge = estimate("local", 0.08, cost_usd=cost_usd), estimate("edge", 0.08, sd_s=0.2)
        starts.append(policy("auto").decide(situation(device, edge)).second_after_s or 0.0)
    assert starts == sorted(starts)
    assert starts[-1] > 3.0 * starts[0]


def test_auto_hedges_the_later_the_more_it_has_duplicated() -> None:
    auto = policy("auto")
    before = auto.decide(situation(DEVICE, SPIKY))
    raced = (outcome("edge", 0.2), outcome("local", 0.08, role="hedge"))
    for _ in range(20):
        auto.learn(before, raced)
    storm = auto.decide(situation(DEVICE, SPIKY))
    for _ in range(400):
        auto.learn(before, (outcome("edge", 0.05),))
    calm = auto.decide(situation(DEVICE, SPIKY))
    starts = [decision.second_after_s or 0.0 for decision in (calm, before, storm)]
    assert starts == sorted(starts)
    assert starts[0] < starts[2]


def test_auto_counts_an_upload_that_was_overtaken_once() -> None:
    """It shows twice: as what is cancelled for now, and as what it came to in the end."""
    once, twice = policy("auto"), policy("auto")
    decision = once.decide(situation(DEVICE, SPIKY))
    for _ in range(40):
        once.learn(decision, (outcome("edge", 0.3), outcome("local", 0.08, role="hedge")))
        overtaken = outcome("edge", 0.1, status="ignored", censored=True, error_kind="cancelled")
        twice.learn(decision, (overtaken, outcome("local", 0.08, role="hedge")))
        twice.learn(decision, (outcome("edge", 0.3),))
    assert once.decide(situation(DEVICE, SPIKY)) == twice.decide(situation(DEVICE, SPIKY))


def test_auto_is_asked_for_nothing_and_stays_as_it_was() -> None:
    """To decide is not to run: only what is learned moves the price of duplicates."""
    auto = policy("auto")
    first = auto.decide(situation(DEVICE, SPIKY))
    assert all(auto.decide(situation(DEVICE, SPIKY)) == first for _ in range(500))


def test_auto_tries_what_may_save_much_but_not_at_any_price() -> None:
    """An upload about as good as the device is preferred for what it tells, unless it costs what it saves."""
    device, edge = estimate("local", 0.08, sd_s=0.002), estimate("edge", 0.085, sd_s=0.06)
    assert policy("auto").decide(situation(device, edge)).chosen == "edge"
    assert policy("auto", duplicates_frac=0.0).decide(situation(device, edge)).chosen == "local"
    dear = estimate("edge", 0.085, sd_s=0.06, cost_usd=1e-4)  # 50 ms
    assert policy("auto").decide(situation(device, dear)).chosen == "local"


def test_auto_says_why_there_was_nothing_to_weigh() -> None:
    auto = policy("auto")
    assert auto.decide(situation(DEVICE)).reason == "the only option: local 80 ms (p90 83)"
    weak = auto.decide(situation(DEVICE, SPIKY, snapshot=Snapshot(taken_s=0.0, signal_dbm=-95.0)))
    assert weak.reason == "the only option within the limits: local 80 ms (p90 83); signal -95 dBm is below -88"
    late = auto.decide(situation(DEVICE, deadline_s=0.05))
    assert "none keeps 50 ms with 90%" in late.reason


def test_auto_is_public_with_its_prices_as_arguments() -> None:
    decision = Auto(**PRICES).decide(situation(estimate("local", 0.05), estimate("edge", 0.02)))
    assert (decision.chosen, decision.policy) == ("edge", "auto")
