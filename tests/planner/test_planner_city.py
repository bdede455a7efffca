"""The made-up city: its statistics are the real one's, and it grows without changing."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.city import matches
from fleet_planner.generator import generate


def test_the_city_is_like_the_real_one() -> None:
    for each in matches(devices=300, seeds=12):
        assert each.ours_percent == pytest.approx(each.covered_percent, abs=2.5), each
        assert each.ours_in_range == pytest.approx(each.in_range, rel=0.1), each


def test_a_larger_city_holds_the_smaller_one() -> None:
    small, large = generate(50, seed=4), generate(120, seed=4)
    assert (small.edges.lat_deg == large.edges.lat_deg).all()
    assert (small.edges.cores == large.edges.cores).all()
    assert (small.devices.lat_deg == large.devices.lat_deg[:50]).all()
    assert small.devices.ids == large.devices.ids[:50]
    assert (generate(50, seed=5).devices.lat_deg != small.devices.lat_deg).any()


def test_the_boxes_hold_everything() -> None:
    city = generate(3000, edges=500, seed=1)
    for place, low, high in (
        (city.edges.lat_deg, 44.526, 44.885),
        (city.edges.lon_deg, 10.778, 11.070),
        (city.devices.lat_deg, 44.231, 44.916),
        (city.devices.lon_deg, 10.571, 11.306),
    ):
        assert low <= place.min() < place.max() <= high
    kinds, counts = np.unique(city.edges.cores, return_counts=True)
    assert kinds.tolist() == [8.0, 24.0, 32.0, 40.0]
    assert counts == pytest.approx(np.full(4, 125), rel=0.3)


def test_clouds_on_demand_may_be_left_out() -> None:
    assert generate(1, on_demand=False).clouds.ids == ("municipal",)
    assert len(generate(1).clouds) == 4
    assert len(generate(3, edges=0).edges) == 0
