"""What holds for every policy, whatever it minimises."""

from __future__ import annotations

import gc
import math
import random
import subprocess
import sys
from types import FunctionType, MethodType, ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from situations import (
    MAINS,
    POLICY_NAMES,
    PRICES,
    estimate,
    on_battery,
    outcome,
    outcomes,
    policy,
    situation,
    situations,
)

from offload_sdk._types import Decision, Situation
from offload_sdk.decide import Hysteresis, Shadowed, Traced
from offload_sdk.decide.options import expected_latency_s
from offload_sdk.typing import LearningPolicy, Policy

pytestmark = pytest.mark.light


def nowhere(event: object) -> None:
    """A sink that keeps nothing."""


def shadowed() -> Policy:
    return Shadowed(policy("auto"), 0.5, random.Random(0))


def stacked() -> Policy:
    return Traced(Shadowed(Hysteresis(policy("bandit", seed=1), 0.2), 0.5, random.Random(0)), nowhere)


POLICIES = {
    **{name: (lambda name=name: policy(name)) for name in POLICY_NAMES},
    "auto without hedges": lambda: policy("auto", duplicates_frac=0.0),
    "shadowed": shadowed,
    "steady": lambda: Hysteresis(policy("auto")),
    "traced": lambda: Traced(policy("auto"), nowhere),
    "stacked": stacked,
}
RANDOMISED = {"bandit", "stacked"}


def each(names):
    """Run a test over these policies."""
    return pytest.mark.parametrize("make", [POLICIES[name] for name in names], ids=list(names))


every_policy = each(POLICIES)
every_deterministic = each([name for name in POLICIES if name not in RANDOMISED])
every_fixed = each([name for name, make in POLICIES.items() if not isinstance(make(), LearningPolicy)])
every_learner = each([name for name, make in POLICIES.items() if isinstance(make(), LearningPolicy)])


def check(decision: Decision, case: Situation) -> None:
    """What holds for every decision."""
    options = {option.option: option for option in case.estimates}
    open_ones = set(options) - set(case.unavailable)
    assert decision.chosen in (open_ones or set(options))
    assert decision.path == options[decision.chosen].path
    assert dict(decision.predicted) == options
    assert 0.0 < decision.propensity <= 1.0
    assert any(letter.isdigit() for letter in decision.reason), decision.reason
    assert "\n" not in decision.reason
    assert decision.chosen in decision.reason
    for name, why in case.unavailable.items():
        assert f"{name} is out: {why}" in decision.reason
    assert decision.chosen not in decision.shadow
    assert not set(decision.shadow) & set(case.unavailable)
    if decision.second is None:
        assert decision.second_after_s is None
    else:
        assert decision.second in (open_ones or set(options)) - {decision.chosen}
        assert decision.second_after_s is not None
        assert 0.0 <= decision.second_after_s < math.inf


@every_policy
@given(case=situations())
@settings(max_examples=40, deadline=None)
def test_what_every_decision_holds(make, case: Situation) -> None:
    check(make().decide(case), case)


@every_deterministic
@given(case=situations())
@settings(max_examples=10, deadline=None)
def test_a_policy_without_draws_is_certain_of_its_choice(make, case: Situation) -> None:
    decision = make().decide(case)
    assert decision.propensity == 1.0
    assert not decision.explored


@every_policy
@given(case=situations())
@settings(max_examples=10, deadline=None)
def test_the_same_situation_and_seed_give_the_same_decision(make, case: Situation) -> None:
    assert make().decide(case) == make().decide(case)


@every_fixed
@given(case=situations())
@settings(max_examples=10, deadline=None)
def test_a_policy_that_does_not_learn_repeats_itself(make, case: Situation) -> None:
    chooser = make()
    assert chooser.decide(case) == chooser.decide(case)


@every_deterministic
@given(case=situations(), order=st.randoms(use_true_random=False))
@settings(max_examples=10, deadline=None)
def test_the_order_of_the_options_decides_at_most_between_equals(make, case: Situation, order) -> None:
    shuffled = list(case.estimates)
    order.shuffle(shuffled)
    plugged, other = (
        situation(*options, snapshot=MAINS, deadline_s=case.deadline_s, unavailable=case.unavailable)
        for options in (case.estimates, shuffled)
    )
    first, second = make().decide(plugged), make().decide(other)
    hedged = first.second is not None or second.second is not None
    if first.chosen != second.chosen and case.deadline_s is None and not hedged:
        a, b = first.predicted[first.chosen], first.predicted[second.chosen]
        times = [expected_latency_s(option, plugged) for option in (a, b)]
        dollars = PRICES["seconds_per_usd"] * (a.cost_usd - b.cost_usd)
        # A tie in what the policy compares: time, energy, money, or time and money together.
        assert (
            times[0] == pytest.approx(times[1])
            or a.energy_j == b.energy_j
            or a.cost_usd == b.cost_usd
            or times[0] + dollars == pytest.approx(times[1])
        )


def seen_propensities(chooser: Policy, case: Situation, draws: int) -> dict[str, list[float]]:
    """Return for each option the propensities that were told when it was chosen, over many draws."""
    seen: dict[str, list[float]] = {option.option: [] for option in case.estimates}
    for _ in range(draws):
        decision = chooser.decide(case)
        seen[decision.chosen].append(decision.propensity)
    return seen


THREE = situation(
    estimate("local", 0.040, sd_s=0.004), estimate("edge", 0.038, sd_s=0.01), estimate("cloud", 0.05, sd_s=0.02)
)


@pytest.mark.parametrize("case", [situation(*THREE.estimates[:2]), THREE], ids=["two options", "three options"])
def test_a_propensity_is_the_share_of_such_draws(case: Situation) -> None:
    draws = 4000
    seen = seen_propensities(policy("bandit", seed=3), case, draws)
    for told in seen.values():
        assert len(set(told)) == 1  # nothing was learned in between
        share, expected = len(told) / draws, told[0]
        assert abs(share - expected) < 4.5 * math.sqrt(expected * (1.0 - expected) / draws)
    assert sum(told[0] for told in seen.values()) == pytest.approx(1.0)


def test_the_order_of_the_options_does_not_change_the_distribution() -> None:
    first, second, third = THREE.estimates
    seen = seen_propensities(policy("bandit"), THREE, 300)
    shuffled = seen_propensities(policy("bandit"), situation(third, first, second), 300)
    for option, told in seen.items():
        assert told[0] == pytest.approx(shuffled[option][0])


@every_learner
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_whatever_is_learned_the_next_decision_holds(make, data: st.DataObject) -> None:
    chooser = make()
    for _ in range(3):
        case = data.draw(situations())
        decision = chooser.decide(case)
        chooser.learn(decision, data.draw(outcomes(tuple(decision.predicted))))
        check(chooser.decide(case), case)


@every_learner
def test_learning_keeps_no_history(make) -> None:
    chooser = make()
    sizes = []
    rng = random.Random(5)
    for step in range(10_001):
        local_s, edge_s = rng.lognormvariate(-3.0, 0.3), rng.lognormvariate(-3.0, 0.6)
        decision = chooser.decide(situation(estimate("local", local_s), estimate("edge", edge_s)))
        chooser.learn(
            decision,
            (
                outcome("edge", edge_s, started_s=0.5 * step, censored=step % 7 == 0),
                outcome("local", local_s, started_s=0.5 * step, role="hedge"),
            ),
        )
        if step in (1000, 10_000):
            sizes.append(deep_size_bytes(chooser))
    assert sizes[1] <= sizes[0] + 1000, sizes


def deep_size_bytes(thing: object) -> int:
    """Return the memory that an object holds, its code and the values it shares with others included once."""
    todo, seen, size_bytes = [thing], {id(thing)}, 0
    while todo:
        part = todo.pop()
        size_bytes += sys.getsizeof(part)
        for other in gc.get_referents(part):
            if id(other) not in seen and not isinstance(other, type | ModuleType | FunctionType | MethodType):
                seen.add(id(other))
                todo.append(other)
    return size_bytes


@every_policy
@pytest.mark.parametrize("deadline_s", [None, 1e-9, 0.06, 1e9])
@pytest.mark.parametrize("option", ["local", "edge"])
def test_the_only_option_is_taken(make, option: str, deadline_s: float | None) -> None:
    only = estimate(option, 0.08, energy_j=None, success=0.2)
    for snapshot in (MAINS, on_battery(None), on_battery(0.01, -120.0)):
        for barred in ({}, {option: "3 failures in a row"}):
            decision = make().decide(situation(only, snapshot=snapshot, deadline_s=deadline_s, unavailable=barred))
            assert decision.chosen == option
            assert decision.shadow == ()


@every_policy
def test_all_barred_still_picks_one(make) -> None:
    case = situation(estimate("edge"), estimate("cloud"), unavailable={"edge": "open for 1 s", "cloud": "open"})
    assert make().decide(case).chosen in ("edge", "cloud")


PURITY = """
import sys
from offload_sdk.decide import policy_by_name
from offload_sdk.estimate import LocalEstimator, Prices, RemoteEstimator
from offload_sdk.estimate.pixels import PixelTime
from offload_sdk._types import ImageInfo, Profile, Situation, Snapshot

heavy = {"numpy", "PIL", "requests", "urllib3", "pydantic", "sqlite3", "socket", "psutil", "ai_edge_litert"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)

profile = Profile(board="x", model=None, threads=2, infer_s=0.04, infer_sd_s=0.004, preprocess_s=0.001,
                  decode_s_per_pixel={"JPEG": 1e-8}, cpu_active_w=2.0, radio_tx_w=1.0, radio_wait_w=0.3)
decode = PixelTime(profile.decode_s_per_pixel, base_s=5e-4)
estimators = [LocalEstimator(profile, decode, cores=4), RemoteEstimator("edge", profile, decode, prices=Prices())]
policies = [policy_by_name(name, seconds_per_joule=0.02, seconds_per_usd=500.0, duplicates_frac=0.1,
                           battery_threshold_frac=0.15, signal_threshold_dbm=-88.0, deadline_probability=0.9)
            for name in ("auto", "bandit", "cost", "deadline", "energy", "latency", "local", "remote")]
image = ImageInfo(format="JPEG", width=640, height=480, encoded_bytes=60_000)
snapshot = Snapshot(taken_s=0.0, on_mains=False, battery_frac=0.5)
seen = []
sys.addaudithook(lambda event, arguments: seen.append(event))
for deadline_s in (None, 0.05):
    for policy in policies:
        situation = Situation(estimates=tuple(e.estimate(image, snapshot, 1.0) for e in estimators),
                              snapshot=snapshot, image=image, deadline_s=deadline_s)
        policy.decide(situation)
late = [event for event in seen if event.partition(".")[0] in ("open", "import", "socket", "os", "subprocess")]
assert not late, late
assert not heavy & set(sys.modules), heavy & set(sys.modules)
print("pure")
"""


def test_deciding_does_no_io_and_imports_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", PURITY], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == "pure", done.stderr
