"""Samples, blocks, and the model by themselves: against counting by hand and laws that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from worlds import log, moments, named

from offload_sdk.replay.blocks import block_length, resamples
from offload_sdk.replay.case import Bill, case_of
from offload_sdk.replay.model import DRAWS, Model
from offload_sdk.replay.sample import FIGURES, Sample

bills = st.builds(
    Bill,
    latency_s=st.floats(0.0, 10.0),
    option=st.sampled_from(["local", "cloud", None]),
    late=st.sampled_from([True, False, None]),
    energy_j=st.floats(0.0, 5.0),
    cost_usd=st.floats(0.0, 0.1),
    sent_bytes=st.floats(0.0, 1e6),
    duplicate=st.booleans(),
)


@given(st.lists(bills, min_size=1, max_size=30))
def test_figures_of_equal_weights_are_those_of_the_list(given: list[Bill]) -> None:
    sample = Sample([(place, 1.0, bill) for place, bill in enumerate(given)], len(given), ["local", "cloud"])
    found = dict(zip(FIGURES, sample.figures(), strict=False))
    times = sorted(bill.latency_s for bill in given)
    assert found["latency_mean_s"] == pytest.approx(np.mean(times))
    assert found["latency_p95_s"] == pytest.approx(np.quantile(times, 0.95, method="inverted_cdf"))
    timed = [bill.late for bill in given if bill.late is not None]
    assert found["late_frac"] == pytest.approx(np.mean(timed) if timed else np.nan, nan_ok=True)
    assert found["unanswered_frac"] == pytest.approx(np.mean([bill.option is None for bill in given]))


@given(st.lists(bills, min_size=2, max_size=20), st.data())
def test_drawing_an_image_twice_is_having_it_twice(given: list[Bill], data: st.DataObject) -> None:
    count = len(given)
    drawn = data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count).filter(any))
    repeated = [bill for bill, times in zip(given, drawn, strict=True) for _ in range(times)]
    once = Sample([(place, 1.0, bill) for place, bill in enumerate(given)], count, [])
    many = Sample([(place, 1.0, bill) for place, bill in enumerate(repeated)], len(repeated), [])
    assert once.figures(np.array(drawn)) == pytest.approx(many.figures(), nan_ok=True)


def test_weights_may_correct_downwards() -> None:
    """Two images are modelled at 2 s; one of them, seen with a chance of a half, took 1 s."""
    modelled = Bill(latency_s=2.0, option="local")
    seen = Bill(latency_s=1.0, option="local")
    sample = Sample([(0, 1.0, modelled), (1, -1.0, modelled), (1, 2.0, seen)], 2, [])
    assert sample.figures()[0] == pytest.approx(1.0)


def test_an_unknown_energy_stays_unknown() -> None:
    given = [
        (0, 1.0, Bill(latency_s=1.0, option="local", energy_j=0.1)),
        (1, 1.0, Bill(latency_s=1.0, option="a")),
    ]
    assert np.isnan(Sample(given, 2, []).figures()[FIGURES.index("energy_j")])


@given(st.integers(1, 200), st.data())
def test_a_resample_draws_as_many_images_as_there_are(count: int, data: st.DataObject) -> None:
    length = data.draw(st.integers(1, count))
    for drawn in resamples(count, length, 5, seed=1):
        assert drawn.sum() == count
        assert len(drawn) == count
        assert drawn.min() >= 0


def test_all_images_are_drawn_alike() -> None:
    total = sum(resamples(50, 7, 4000, seed=3))
    assert total / 4000 == pytest.approx(np.ones(50), abs=0.1)


@pytest.mark.parametrize(("persistence", "least", "most"), [(0.0, 1, 4), (0.7, 8, 60), (0.95, 40, 400)])
def test_blocks_are_as_long_as_neighbours_stay_alike(persistence: float, least: int, most: int) -> None:
    rng = np.random.default_rng(5)
    series = np.zeros(4000)
    for place in range(1, len(series)):
        series[place] = persistence * series[place - 1] + rng.normal()
    assert least <= block_length(series) <= most


def test_blocks_of_a_series_that_never_changes_are_single_images() -> None:
    assert block_length(np.full(100, 0.05)) == 1


def test_the_model_follows_what_the_predictions_miss() -> None:
    """Predictions twice too high are halved, from the shadows alone, and never from the image's own."""
    world = moments(600, 1, persistence=0.5, bias=2.0)
    cases = [case_of(row) for row in log(world, named("local"), shadow_rate=0.5, seed=1)]
    model = Model(cases, seed=0)
    drawn = [np.mean([draw["cloud"].latency_s for draw in model.draws(place)]) for place in range(600)]
    assert np.mean(drawn) == pytest.approx(np.mean([moment.remote_s for moment in world]), rel=0.05)
    place = next(place for place, case in enumerate(cases) if case.shadowed)
    assert all(draw["cloud"] != cases[place].shadows["cloud"] for draw in model.draws(place))
    assert len(model.draws(place)) == DRAWS


def test_the_model_takes_what_was_done_as_it_was() -> None:
    cases = [case_of(row) for row in log(moments(50, 1), named("local"))]
    assert {draw["local"] for draw in Model(cases, seed=0).draws(3)} == {cases[3].own["local"]}


def test_an_option_that_never_ran_is_taken_as_predicted() -> None:
    world = moments(50, 1)
    model = Model([case_of(row) for row in log(world, named("local"))], seed=0)
    assert model.unseen == ["cloud"]
    times = [draw["cloud"].latency_s for draw in model.draws(3)]
    assert np.mean(times) == pytest.approx(world[3].remote_mean_s, rel=0.1)
    assert sorted(times) == times
