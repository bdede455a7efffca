"""The race of two tasks in any order of events, and how long each side of it is waited for."""

from __future__ import annotations

import math
import threading
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from offload_sdk._types import Estimate, Latency
from offload_sdk.execute.patience import lingering_s, patience_s
from offload_sdk.execute.race import race
from offload_sdk.execute.workers import Task

pytestmark = pytest.mark.light
LONG_S = 10.0  # never comes about: it only shows that nothing hangs


class Side:
    """A task that wins (1), loses (0), raises (None) or cannot be started, when it is told to."""

    def __init__(self, value: int | None, *, starts: bool = True) -> None:
        self.task: Task[int] = Task(self._end)
        self.starts = starts
        self.started = threading.Event()
        self.alone: bool | None = None
        self._value = value

    def _end(self) -> int:
        if self._value is None:
            raise ValueError("raised")
        return self._value

    def __call__(self, alone: bool) -> Task[int] | None:
        self.alone = alone
        self.started.set()
        return self.task if self.starts else None


def run(first: Side, second: Side, after_s: float, order: list[Side]) -> tuple[Task[int] | None, Exception | None]:
    """Race them while another thread lets them end in this order, each as soon as it has been started."""

    def end_all() -> None:
        for side in order:
            if side.started.wait(LONG_S):
                side.task.perform()

    thread = threading.Thread(target=end_all)
    thread.start()
    try:
        return race(first, second, after_s, wins=bool), None
    except ValueError as error:
        return None, error
    finally:
        first.started.set()
        second.started.set()
        thread.join(LONG_S)
        assert not thread.is_alive()


ends = st.sampled_from([1, 0, None])


@given(one=ends, other=ends, after_s=st.sampled_from([-1.0, 0.0, 0.002]), turned=st.booleans())
@settings(max_examples=80)
@example(one=0, other=0, after_s=0.0, turned=True)
def test_in_any_order_there_is_one_winner_if_one_wins(
    one: int | None, other: int | None, after_s: float, turned: bool
) -> None:
    first, second = Side(one), Side(other)
    winner, error = run(first, second, after_s, [second, first] if turned else [first, second])
    if winner is not None:
        assert error is None
        assert winner.result() == 1
        assert winner in (first.task, second.task)
    elif error is None:
        assert (one, other) == (0, 0)
    else:
        assert None in (one, other)
    if turned:  # the first one ends only after the second
        assert second.alone is False
        if other == 1:
            assert winner is second.task


@pytest.mark.parametrize("after_s", [math.inf, 1e30, 60.0])
def test_a_first_that_wins_in_time_is_alone(after_s: float) -> None:
    first, second = Side(1), Side(1)
    winner, _ = run(first, second, after_s, [first])
    assert winner is first.task
    assert second.alone is None


@pytest.mark.parametrize("first", [Side(0), Side(1, starts=False)])
def test_when_the_first_has_failed_the_second_starts_at_once(first: Side) -> None:
    second = Side(1)
    winner, _ = run(first, second, math.inf, [first, second] if first.starts else [second])
    assert winner is second.task
    assert second.alone is True


def test_a_second_that_cannot_start_leaves_the_first() -> None:
    first, second = Side(1), Side(1, starts=False)
    threading.Timer(0.05, first.task.perform).start()
    assert race(first, second, 0.0, wins=bool) is first.task


def test_neither_can_start() -> None:
    assert race(Side(1, starts=False), Side(1, starts=False), math.inf, wins=bool) is None


def test_the_second_starts_when_its_time_has_come() -> None:
    first, second = Side(1), Side(1)
    started_s = time.monotonic()
    winner, _ = run(first, second, 0.1, [second])
    assert winner is second.task
    assert time.monotonic() - started_s >= 0.1


def estimate(mean_s: float, sd_s: float = 0.0) -> Estimate:
    return Estimate(option="x", path="remote", latency=Latency(mean_s=mean_s, sd_s=sd_s))


times = st.floats(0.001, 8.0)


@given(p90=times, spare=times, spent=st.floats(0.0, 3.0), deadline=st.none() | times, timeout=times)
def test_patience_keeps_its_bounds(
    p90: float, spare: float, spent: float, deadline: float | None, timeout: float
) -> None:
    expected, other = estimate(p90), estimate(spare)
    with_spare = patience_s(expected, other, spent, deadline, timeout)
    alone = patience_s(expected, None, spent, deadline, timeout)
    assert with_spare <= alone <= timeout
    if deadline is None:
        assert alone == timeout
        assert with_spare == min(timeout, max(0.3, min(3 * p90, p90 + 1.0) + spare))
        assert timeout >= lingering_s(expected, other, timeout) >= max(with_spare, min(1.0, timeout))
    else:
        assert alone <= deadline - spent
        if spare < deadline - spent:  # the spare can still keep the deadline afterwards
            assert spent + with_spare + spare <= deadline + 1e-9
