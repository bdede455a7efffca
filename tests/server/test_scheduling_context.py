"""S2's equations (1) to (20), each against figures worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scheduling_node import NOW_S

from server_stub.scheduling import DynamicInterval, Finished, StaticInterval, Waiting
from server_stub.scheduling.context import ContextRepository, contexts_of, min_max
from server_stub.scheduling.priority import PriorityModel, bias, context_values, fit, levels, prediction_table


def finished(worker: int, service_s: float) -> Finished:
    return Finished(key=0, worker=worker, service_s=service_s)


def told(key: int, battery_frac: float | None, signal_dbm: float | None, limit_s: float) -> Waiting:
    return Waiting(
        key=key,
        arrived_s=NOW_S,
        image_bytes=1,
        due_s=NOW_S + limit_s,
        battery_frac=battery_frac,
        signal_dbm=signal_dbm,
    )


def test_1_min_max_scales_clips_and_knows_no_spread():
    low, high = np.array([0.0, 5.0]), np.array([10.0, 5.0])
    values = np.array([[2.5, 5.0], [-1.0, 4.0], [11.0, 6.0]])
    assert min_max(values, low, high).tolist() == [[0.25, 0.0], [0.0, 0.0], [1.0, 0.0]]


def test_1_the_repository_sets_the_scale_and_forgets_what_is_old():
    repository = ContextRepository(size=3)
    first = [told(1, 0.0, -100.0, 1.0), told(2, 1.0, -50.0, 11.0)]
    repository.see(first)
    assert repository.scaled(np.array([[0.25, -75.0, 6.0]])).tolist() == [[0.25, 0.5, 0.5]]
    assert repository.mean_limit_s == 6.0
    repository.see([*first, told(3, 0.5, -60.0, 3.0)])  # of the first two, nothing new
    repository.see([told(4, 0.25, -90.0, 2.0), told(5, 0.75, -70.0, 4.0)])
    assert repository.scaled(np.array([[0.5, -75.0, 3.0]])).tolist() == [[0.5, 0.5, 0.5]]
    assert repository.mean_limit_s == 3.0
    repository.see([told(key, key / 64, float(-key), float(key)) for key in range(10, 64)])
    assert repository.scaled(np.array([[62 / 64, -62.0, 62.0]])).tolist() == [[0.5, 0.5, 0.5]]


def test_1_what_is_not_told_is_not_urgent():
    repository = ContextRepository()
    silent = Waiting(key=1, arrived_s=NOW_S, image_bytes=1)
    assert repository.mean_limit_s is None
    assert repository.scaled(contexts_of([silent])).tolist() == [[1.0, 1.0, 1.0]]
    repository.see([silent, told(2, 0.0, None, 3.0), told(3, 1.0, None, 5.0)])
    assert repository.mean_limit_s == 4.0
    assert repository.scaled(np.array([[0.5, np.nan, 4.0]])).tolist() == [[0.5, 1.0, 0.5]]


def test_the_contexts_of_a_request():
    assert contexts_of([told(1, 0.3, -70.0, 7.0)]).tolist() == [[0.3, -70.0, 7.0]]


def test_2_to_5_the_prediction_table():
    assert levels(3).tolist() == [0.0, 0.5, 1.0]
    assert levels(5)[1] == 0.25
    table = prediction_table((2, 3, 4))
    assert table.shape == (24, 3)
    assert {tuple(row) for row in table} == set(itertools.product(levels(2), levels(3), levels(4)))
    with pytest.raises(ValueError, match="at least 2"):
        levels(1)


def test_6_to_8_bias_and_context_value():
    table = np.array([[0.0, 0.5, 1.0], [1.0, 0.5, 0.5]])
    assert bias(table, (0.0, 0.0, 1.0)).tolist() == [[0.0, 0.0, 1.0], [0.0, 0.0, 0.5]]
    assert context_values(table, (0.0, 0.0, 1.0)) == pytest.approx(np.array([1 / 3, 0.5 + 0.5 / 3]))


def test_9_and_10_the_regression():
    model = fit((3, 3, 3))
    assert model.intercept == pytest.approx(-0.25)
    assert model.weights == pytest.approx((5 / 18, 5 / 18, 11 / 18))
    assert model.r_squared == pytest.approx(0.7125)


def test_10_a_lower_context_is_served_first():
    model = PriorityModel(intercept=-0.25, weights=(0.2, 0.3, 0.6), r_squared=1.0)
    assert model.priority(np.array([[0.0, 0.0, 0.0], [1.0, 1.0, 0.5]])) == pytest.approx(np.array([-0.25, 0.55]))
    assert all(weight > 0 for weight in fit((2, 5, 9)).weights)


def test_18_the_static_interval_is_the_mean_of_all_times():
    interval = StaticInterval()
    assert interval.length_s is None
    interval.learn([finished(0, 1.0), finished(0, 2.0), finished(1, 6.0)])
    assert interval.length_s == 3.0
    interval.learn([])
    interval.learn([finished(1, 11.0)])
    assert interval.length_s == 5.0


def test_19_and_20_the_dynamic_interval_follows_the_last_one():
    interval = DynamicInterval(weight=0.25)
    assert interval.length_s is None
    interval.learn([finished(0, 1.0), finished(0, 3.0), finished(1, 6.0)])
    assert interval.length_s == 4.0  # the mean of 2 and 6, not of the three
    interval.learn([finished(2, 8.0)])
    assert interval.length_s == 5.0
    interval.learn([])
    assert interval.length_s == 5.0


@given(times_s=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=20), weight=st.floats(0, 1))
def test_an_interval_stays_between_the_shortest_and_the_longest_time(times_s, weight):
    for interval in (StaticInterval(), DynamicInterval(weight)):
        for index, time_s in enumerate(times_s):
            interval.learn([finished(index % 3, time_s)])
        assert min(times_s) * (1 - 1e-9) <= interval.length_s <= max(times_s) * (1 + 1e-9)
