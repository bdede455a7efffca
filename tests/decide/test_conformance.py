"""What holds for every policy, whatever it minimises."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from situations import MAINS, POLICY_NAMES, PRICES, estimate, on_battery, policy, situation, situations

from offload_sdk._types import Situation
from offload_sdk.decide import Shadowed
from offload_sdk.decide.options import expected_latency_s
from offload_sdk.typing import Policy

pytestmark = pytest.mark.light


def shadowed() -> Policy:
    return Shadowed(policy("auto"), 0.5, random.Random(0))


POLICIES = {**{name: (lambda name=name: policy(name)) for name in POLICY_NAMES}, "shadowed": shadowed}
every_policy = pytest.mark.parametrize("make", POLICIES.values(), ids=POLICIES.keys())


@every_policy
@given(case=situations())
@settings(max_examples=25, deadline=None)
def test_what_every_decision_holds(make, case: Situation) -> None:
    decision = make().decide(case)
    options = {option.option: option for option in case.estimates}
    open_ones = set(options) - set(case.unavailable)
    assert decision.chosen in (open_ones or set(options))
    assert decision.path == options[decision.chosen].path
    assert dict(decision.predicted) == options
    assert decision.propensity == 1.0
    assert not decision.explored
    assert any(letter.isdigit() for letter in decision.reason), decision.reason
    assert "\n" not in decision.reason
    assert decision.chosen in decision.reason
    for name, why in case.unavailable.items():
        assert f"{name} is out: {why}" in decision.reason
    assert decision.chosen not in decision.shadow
    assert not set(decision.shadow) & set(case.unavailable)


@every_policy
@given(case=situations())
@settings(max_examples=10, deadline=None)
def test_the_same_situation_gives_the_same_decision(make, case: Situation) -> None:
    twice, once = make(), make()
    decision = twice.decide(case)
    twice_more = twice.decide(case)
    assert once.decide(case) == decision
    assert (twice_more.chosen, twice_more.reason) == (decision.chosen, decision.reason)


@every_policy
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
    if first.chosen != second.chosen and case.deadline_s is None:
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
policies = [policy_by_name(name, seconds_per_joule=0.02, seconds_per_usd=500.0, battery_threshold_frac=0.15,
                           signal_threshold_dbm=-88.0, deadline_probability=0.9)
            for name in ("auto", "cost", "deadline", "energy", "latency", "local", "remote")]
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
