"""The circuit as a state machine: what it promises in any order of events."""

from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from offload_sdk.execute.circuit import Circuit

pytestmark = pytest.mark.light

FIRST_S, MOST_S = 1.0, 8.0
NETWORK = ("connect", "timeout", "broken")
OTHERS = ("status", "protocol", "auth", "input", "refused")


def circuit(failures: int = 3, *, probed: bool = False, seed: int = 0) -> Circuit:
    return Circuit(
        failures=failures, cooldown_s=FIRST_S, max_cooldown_s=MOST_S, probed=probed, rng=random.Random(seed)
    )


def fail(one: Circuit, now_s: float, kind: str = "status", **more: float) -> None:
    one.begin(now_s, 10.0)
    one.failure(now_s, "HTTP 500", kind=kind, **more)


def opened_for(one: Circuit, now_s: float) -> float:
    """How long from now the circuit bars everything, to 1 ms."""
    low, high = 0.0, 1000.0
    while high - low > 0.001:
        middle = (low + high) / 2
        low, high = (middle, high) if one.barred(now_s + middle) else (low, middle)
    return high


class Machine(RuleBasedStateMachine):
    """Requests, probes and time in any order, against a model of what is promised."""

    @initialize(failures=st.integers(1, 4), probed=st.booleans(), seed=st.integers(0, 10))
    def start(self, failures: int, probed: bool, seed: int) -> None:
        self.one = circuit(failures, probed=probed, seed=seed)
        self.limit = failures
        self.now_s = 100.0
        self.row = 0
        self.trial = False

    @rule(seconds=st.floats(0.0, 12.0))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.trial = False if seconds > 10.0 else self.trial

    @precondition(lambda self: self.one.barred(self.now_s) is None)
    @rule(kind=st.sampled_from((*NETWORK, *OTHERS)))
    def request_fails(self, kind: str) -> None:
        was_open = self.one.is_open
        self.one.begin(self.now_s, 10.0)
        if was_open:
            assert self.one.barred(self.now_s), "half-open lets one through at a time"
        self.one.failure(self.now_s, "why", kind=kind)
        self.row += 1
        if was_open or self.row >= self.limit:
            assert self.one.is_open
            assert self.one.barred(self.now_s)
            assert self.one.barred(self.now_s + MOST_S * 1.2 + 0.001) is None

    @precondition(lambda self: self.one.barred(self.now_s) is None)
    @rule()
    def request_succeeds(self) -> None:
        self.one.begin(self.now_s, 10.0)
        self.one.success()
        self.row = 0
        assert not self.one.is_open
        assert self.one.barred(self.now_s) is None

    @precondition(lambda self: self.one.barred(self.now_s) is None)
    @rule()
    def request_is_cancelled(self) -> None:
        self.one.begin(self.now_s, 10.0)
        self.one.abandon()
        assert self.one.barred(self.now_s) is None

    @rule()
    def ping_gets_through(self) -> None:
        self.one.reached()
        if not self.one.is_open:
            assert self.one.barred(self.now_s) is None

    @rule(seconds=st.floats(0.0, 50.0))
    def clock_goes_back(self, seconds: float) -> None:
        self.one.barred(self.now_s - seconds)

    @invariant()
    def never_barred_for_longer_than_the_most(self) -> None:
        if self.one.is_open:
            assert self.one.barred(self.now_s + MOST_S * 1.2 + 10.001) is None
        else:
            assert self.one.barred(self.now_s) is None


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@pytest.mark.parametrize("failures", [1, 3, 5])
def test_it_opens_after_so_many_failures_in_a_row(failures: int) -> None:
    one = circuit(failures)
    for turn in range(failures):
        assert one.barred(0.0) is None
        assert not one.is_open
        fail(one, float(turn) * 0.001)
    assert one.is_open
    assert "HTTP 500" in (one.barred(0.01) or "")


def test_a_success_starts_the_count_anew() -> None:
    one = circuit(3)
    for _ in range(10):
        fail(one, 0.0)
        fail(one, 0.0)
        one.success()
    assert not one.is_open


def test_the_cooldown_doubles_up_to_its_maximum_and_is_jittered() -> None:
    spans: list[list[float]] = []
    for seed in range(20):
        one, now_s, mine = circuit(1, seed=seed), 0.0, []
        for _ in range(6):
            fail(one, now_s)
            mine.append(opened_for(one, now_s))
            now_s += mine[-1] + 0.01
        spans.append(mine)
    for turn, nominal_s in enumerate((1.0, 2.0, 4.0, 8.0, 8.0, 8.0)):
        at_turn = [mine[turn] for mine in spans]
        assert all(0.8 * nominal_s <= span <= 1.2 * nominal_s + 0.01 for span in at_turn)
        assert max(at_turn) - min(at_turn) > 0.1 * nominal_s


def test_after_a_success_the_cooldown_is_short_again() -> None:
    one, now_s = circuit(1), 0.0
    for _ in range(5):
        fail(one, now_s)
        now_s += MOST_S * 1.3
    one.begin(now_s, 1.0)
    one.success()
    fail(one, now_s)
    assert opened_for(one, now_s) <= 1.2 * FIRST_S + 0.01


def test_half_open_lets_one_through_until_it_is_decided_or_too_old() -> None:
    one = circuit(1)
    fail(one, 0.0)
    later_s = 5.0
    assert one.barred(later_s) is None
    one.begin(later_s, 3.0)
    assert "trial" in (one.barred(later_s + 0.1) or "")
    assert one.is_open
    # A trial whose end nobody reported does not bar the endpoint for ever.
    assert one.barred(later_s + 3.1) is None


def test_failures_that_were_sent_before_it_opened_do_not_lengthen_it() -> None:
    one = circuit(2)
    for _ in range(2):
        one.begin(0.0, 1.0)
        one.failure(0.0, "x", kind="status")
    span_s = opened_for(one, 0.0)
    for _ in range(20):
        one.failure(0.05, "x", kind="status")
    assert opened_for(one, 0.0) == pytest.approx(span_s, abs=0.01)


@pytest.mark.parametrize("kind", NETWORK)
def test_a_ping_closes_it_after_a_fault_of_the_network(kind: str) -> None:
    one = circuit(2, probed=True)
    fail(one, 0.0, kind)
    fail(one, 0.0, kind)
    assert one.barred(0.5)
    one.reached()
    assert one.barred(0.5) is None
    assert not one.is_open
    fail(one, 0.6, kind)  # the ping was wrong: at once again
    assert one.is_open


@pytest.mark.parametrize("kind", OTHERS)
def test_a_ping_does_not_close_it_after_a_fault_of_the_server(kind: str) -> None:
    one = circuit(1, probed=True)
    fail(one, 0.0, kind)
    one.reached()
    assert one.is_open
    assert one.barred(0.1)


@pytest.mark.parametrize("at_s", [0.1, 5.0])  # while it is open, and half-open
def test_a_ping_closes_it_after_a_fault_of_the_server_that_a_ping_has_met(at_s: float) -> None:
    one = circuit(1, probed=True)
    fail(one, 0.0, "status")
    one.failure(at_s, "HTTP 502", kind="status", ping=True)
    fail(one, at_s + 5.0, "status")  # an image that was risked meanwhile
    assert one.is_open
    one.reached()
    assert not one.is_open
    fail(one, at_s + 5.1, "status")  # it was the server's answer to images after all
    one.reached()
    assert one.is_open


def test_a_ping_that_is_told_to_stay_away_does_not_close_it() -> None:
    one = circuit(1, probed=True)
    fail(one, 0.0, "refused", stay_away_s=4.0)
    one.failure(0.1, "HTTP 503", kind="refused", stay_away_s=4.0, ping=True)
    one.reached()
    assert one.is_open


def test_with_pings_one_time_out_is_enough_and_no_image_is_risked_before_a_ping() -> None:
    one = circuit(3, probed=True)
    fail(one, 0.0, "timeout")
    assert one.barred(FIRST_S * 2)
    assert opened_for(one, 0.0) >= 0.8 * MOST_S
    unprobed = circuit(3)
    fail(unprobed, 0.0, "timeout")
    assert not unprobed.is_open


@pytest.mark.parametrize(("asked_s", "nominal_s"), [(0.5, 0.5), (4.0, 4.0), (3600.0, MOST_S)])
def test_retry_after_opens_at_once_for_so_long_but_not_for_ever(asked_s: float, nominal_s: float) -> None:
    one = circuit(5, probed=True)
    fail(one, 0.0, "refused", stay_away_s=asked_s)
    assert one.is_open
    assert 0.8 * nominal_s <= opened_for(one, 0.0) <= 1.2 * nominal_s + 0.01
    one.reached()  # a server that answers pings has still asked us to stay away
    assert one.is_open


def test_retry_after_nothing_is_no_ban() -> None:
    one = circuit(5)
    fail(one, 0.0, "refused", stay_away_s=0.0)
    assert one.barred(0.001) is None


def test_a_clock_that_goes_back_leaves_a_way_out() -> None:
    one = circuit(1, probed=True)
    fail(one, 1000.0, "broken")
    assert one.barred(0.0)
    one.reached()
    assert one.barred(0.0) is None
    fail(one, 0.0, "broken")
    assert one.barred(0.0 + MOST_S * 1.2 + 0.01) is None


@pytest.mark.parametrize(("probed", "then_s"), [(True, 0.4), (False, 0.8)])
def test_a_trial_may_take_no_longer_than_what_timed_out(probed: bool, then_s: float) -> None:
    one = circuit(1, probed=probed)
    assert one.trial_s == float("inf")
    one.begin(0.0, 0.4)
    one.failure(0.4, "no answer", kind="timeout")
    assert one.trial_s == 0.4
    assert one.begin(100.0, one.trial_s)
    one.failure(100.4, "no answer", kind="timeout")
    assert one.trial_s == then_s
    one.success()
    assert one.trial_s == float("inf")
    one.begin(200.0, 3.0)
    one.failure(203.0, "no answer", kind="timeout")
    assert one.trial_s == 3.0
