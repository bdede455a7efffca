"""Distances and reach, against the dense formula."""

from __future__ import annotations

import numpy as np
import pytest

from fleet_planner.geography import EARTH_RADIUS_M, haversine_m, within
from fleet_planner.jitter import jitter, keys


def test_known_distances() -> None:
    quarter = haversine_m(
        np.array([0.0, 0.0, 90.0]), np.array([0.0, 179.5, 0.0]), np.array(0.0), np.array([90.0, -179.5, 5])
    )
    assert quarter / EARTH_RADIUS_M == pytest.approx([np.pi / 2, np.pi / 180, np.pi / 2])


@pytest.mark.parametrize("radius_m", [0.0, 1.0, 320.0, 5e3, 1e6, 3e7])
@pytest.mark.parametrize("centre", [(44.6, 10.9), (89.99, 0.0), (0.0, 179.99)])
def test_reach_is_what_every_pair_s_distance_says(centre: tuple[float, float], radius_m: float) -> None:
    rng = np.random.default_rng(0)
    lat = np.clip(centre[0] + rng.normal(0, 0.02, 60), -90, 90)
    lon = (centre[1] + rng.normal(0, 0.02, 60) + 180) % 360 - 180
    lat[40:], lon[40:] = lat[:20], lon[:20]  # some at the very same place
    found = within(lat[:30], lon[:30], lat[30:], lon[30:], radius_m)
    dense = haversine_m(lat[:30, None], lon[:30, None], lat[30:], lon[30:])
    rows, columns = np.nonzero(dense <= radius_m + 1e-6)
    assert found.count.tolist() == np.bincount(rows, minlength=30).tolist()
    assert found.place.tolist() == columns.tolist()
    assert found.distance_m == pytest.approx(dense[rows, columns], abs=1e-3)


def test_nobody_and_nowhere() -> None:
    none, one = np.empty(0), np.zeros(1)
    assert within(none, none, one, one, 1.0).count.tolist() == []
    assert within(one, one, none, none, 1.0).count.tolist() == [0]


def test_jitter_is_uniform_and_belongs_to_the_pair() -> None:
    tails, heads = keys([f"d{n}" for n in range(400)], 1), keys([f"e{n}" for n in range(50)], 1)
    table = jitter(tails[:, None], heads)
    counts = np.histogram(table, bins=10, range=(0.8, 1.2))[0]
    assert counts.sum() == table.size
    assert counts == pytest.approx(np.full(10, table.size / 10), rel=0.1)
    assert jitter(tails[7:8], heads[3:4])[0] == table[7, 3]
    assert (jitter(keys(["d7"], 2), heads[3:4]) != table[7, 3]).all()
