"""S2's integer programme (11) to (17): the constraints, and the optimum against trying everything."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling_node import NOW_S, states

from server_stub.scheduling import Thresholds, Waiting
from server_stub.scheduling.assignment import Pairs, assign, pairs_of
from server_stub.scheduling.constraints import in_time, takes


@given(state=states())
@settings(max_examples=50)
def test_arrays_and_single_pairs_know_the_same_constraints(state):
    pairs = pairs_of(state.waiting, state.workers, state.now_s)
    for row, request in enumerate(state.waiting):
        for column, worker in enumerate(state.workers):
            kind = pairs.kinds[column]
            assert pairs.execution_s[row, kind] == request.service_s / worker.speed
            expected = takes(worker, request) and in_time(worker, request, state.now_s)
            assert pairs.feasible[row, kind] == expected


@pytest.mark.parametrize(
    ("battery_frac", "signal_dbm", "met"),
    [(0.1, -90.0, True), (0.09, -50.0, False), (0.5, -90.1, False), (None, None, True), (None, -91.0, False)],
)
def test_16_and_17_the_thresholds(battery_frac, signal_dbm, met):
    request = Waiting(key=0, arrived_s=NOW_S, image_bytes=1, battery_frac=battery_frac, signal_dbm=signal_dbm)
    assert Thresholds(battery_frac=0.1, signal_dbm=-90.0).met_by(request) is met
    assert Thresholds().met_by(request)


def scaled(values: np.ndarray, counted: np.ndarray) -> np.ndarray:
    low, high = values[counted].min(), values[counted].max()
    return (values - low) / (high - low) if high > low else np.zeros_like(values)


def objective(pairs: Pairs, priority: np.ndarray, deferred: np.ndarray) -> np.ndarray:
    """(11) for each pair, written anew."""
    servable = pairs.feasible.any(axis=1)
    rows = scaled(priority, servable) + scaled(1 / (1 + deferred), servable)
    return scaled(pairs.execution_s, pairs.feasible) + rows[:, None]


def best_by_trying(feasible: np.ndarray, cost: np.ndarray) -> tuple[int, float]:
    """The most pairs, and their least cost, over every way to fill the columns."""
    best = (0, 0.0)
    for chosen in itertools.product(range(-1, len(cost)), repeat=cost.shape[1]):
        served = [(row, column) for column, row in enumerate(chosen) if row >= 0]
        rows = [row for row, _ in served]
        if len(set(rows)) == len(rows) and all(feasible[pair] for pair in served):
            best = min(best, (-len(served), sum(cost[pair] for pair in served)))
    return -best[0], best[1]


@st.composite
def problems(draw: st.DrawFn) -> tuple[Pairs, np.ndarray, np.ndarray]:
    count, columns = draw(st.integers(1, 5)), draw(st.integers(1, 3))
    shape = count * columns
    numbers = st.sampled_from([0.0, 0.25, 1.0, 3.0, 7.0])
    pairs = Pairs(
        execution_s=np.array(draw(st.lists(numbers, min_size=shape, max_size=shape))).reshape(count, columns),
        feasible=np.array(draw(st.lists(st.booleans(), min_size=shape, max_size=shape))).reshape(count, columns),
        kinds=np.array(draw(st.lists(st.integers(0, columns - 1), min_size=1, max_size=3))),
    )
    priority = np.array(draw(st.lists(numbers, min_size=count, max_size=count)))
    deferred = np.array(draw(st.lists(st.integers(0, 9), min_size=count, max_size=count)), dtype=np.float64)
    return pairs, priority, deferred


@given(problem=problems())
def test_11_to_14_as_many_as_possible_and_then_at_least_cost(problem):
    pairs, priority, deferred = problem
    served = assign(pairs, priority, deferred)
    feasible = pairs.feasible[:, pairs.kinds]
    assert all(feasible[pair] for pair in served)
    assert len({row for row, _ in served}) == len({column for _, column in served}) == len(served)
    if not pairs.feasible.any():
        assert served == []
        return
    cost = objective(pairs, priority, deferred)[:, pairs.kinds]
    count, least = best_by_trying(feasible, cost)
    assert len(served) == count
    assert sum(cost[pair] for pair in served) == pytest.approx(least)


def test_all_places_are_filled_from_a_queue_of_thousands():
    rng = np.random.default_rng(1)
    pairs = Pairs(execution_s=rng.random((3_000, 8)), feasible=rng.random((3_000, 8)) < 0.01, kinds=np.arange(8))
    assert len(assign(pairs, rng.random(3_000), rng.integers(0, 50, 3_000).astype(float))) == 8


def test_who_has_waited_longer_comes_first_all_else_equal():
    pairs = Pairs(execution_s=np.ones((3, 1)), feasible=np.ones((3, 1), dtype=bool), kinds=np.array([0]))
    assert assign(pairs, np.zeros(3), np.array([1.0, 3.0, 2.0])) == [(1, 0)]
