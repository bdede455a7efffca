"""What is drawn: the same for the same seed, as the parameters promise, and scored as worked out by hand."""

from __future__ import annotations

from dataclasses import astuple, replace
from itertools import pairwise
from statistics import fmean, stdev

import pytest
from fog_kit import request

from benchmarks.fog.node import Ending
from benchmarks.fog.parameters import Parameters, variations
from benchmarks.fog.score import Score, score
from benchmarks.fog.workload import draw

BASE = Parameters()
MANY = [one for seed in range(10) for one in draw(BASE, seed)]


def test_a_seed_gives_the_same_requests_and_another_seed_others() -> None:
    assert draw(BASE, 3) == draw(BASE, 3)
    assert draw(BASE, 3) != draw(BASE, 4)


def test_machines_and_limits_leave_the_rest_of_the_requests_alone() -> None:
    plain = draw(BASE, 1)
    assert draw(replace(BASE, machines_per_host=8), 1) == plain
    for own, theirs in zip(draw(replace(BASE, limit_mean_s=20.0), 1), plain, strict=True):
        assert own.limit_s == pytest.approx(2.0 * theirs.limit_s)
        assert (own.told.arrived_s, own.service_s, own.drain_per_s) == (
            theirs.told.arrived_s,
            theirs.service_s,
            theirs.drain_per_s,
        )


def test_requests_are_in_order_within_the_window_and_their_ranges() -> None:
    for index, one in enumerate(MANY):
        assert one.told.key == index % BASE.requests
        assert 0.0 < one.told.arrived_s < BASE.window_s
        assert one.told.due_s == pytest.approx(one.told.arrived_s + one.limit_s)
        assert one.told.service_s == one.service_s
        assert BASE.size_bytes[0] <= one.told.image_bytes <= BASE.size_bytes[1]
        assert BASE.battery_frac[0] <= one.battery_frac <= BASE.battery_frac[1]
    arrivals = [one.told.arrived_s for one in draw(BASE, 1)]
    assert arrivals == sorted(arrivals)
    times = [one.service_s for one in MANY]
    assert fmean(times) == pytest.approx(BASE.service_mean_s, rel=0.03)
    assert stdev(times) == pytest.approx(BASE.service_cv * BASE.service_mean_s, rel=0.1)


def test_nearly_every_request_can_succeed_if_the_fastest_host_serves_it_at_once() -> None:
    fastest = max(host.speed for host in BASE.hosts)
    assert max(host.capacity_bytes for host in BASE.hosts if host.speed == fastest) >= BASE.size_bytes[1]
    endings = [
        Ending(key=index, started_s=one.told.arrived_s, ended_s=one.told.arrived_s + one.service_s / fastest)
        for index, one in enumerate(MANY)
    ]
    assert score(BASE, MANY, endings).success_percent > 99.0


def test_a_wait_as_long_as_the_limit_costs_about_one_device_in_seven() -> None:
    late = [
        Ending(key=index, started_s=one.told.arrived_s, ended_s=one.told.arrived_s + one.limit_s)
        for index, one in enumerate(MANY)
    ]
    outcome = score(BASE, MANY, late)
    assert 100.0 - outcome.battery_percent == pytest.approx(100.0 / 7.0, abs=2.5)
    assert 100.0 - outcome.signal_percent == pytest.approx(100.0 / 7.0, abs=2.5)


def test_a_variation_changes_what_it_says() -> None:
    drawn = {name: draw(parameters, 1) for name, parameters in variations(BASE).items()}
    plain = draw(BASE, 1)
    drained = drawn["batteries drain twice as fast"]
    assert [one.drain_per_s for one in drained] == pytest.approx([2.0 * one.drain_per_s for one in plain])
    unsure = drawn["execution times known to 50 % only"]
    assert [one.service_s for one in unsure] == [one.service_s for one in plain]
    ratios = [one.told.service_s / one.service_s for one in unsure]
    assert fmean(ratios) == pytest.approx(1.0, abs=0.1)
    assert stdev(ratios) == pytest.approx(0.5, abs=0.1)
    shifted = drawn["execution times that treble half way"]
    ratios = [one.service_s / before.service_s for one, before in zip(shifted, plain, strict=True)]
    assert ratios == pytest.approx([0.5] * 225 + [1.5] * 225)
    heavy = [one.service_s for one in drawn["execution times with a heavy tail (cv 1.5)"]]
    assert max(heavy) > 1.5 * max(one.service_s for one in plain)
    times = [one.told.arrived_s for one in drawn["requests in bursts (gaps with cv 4)"]]
    gaps = [after - before for before, after in pairwise(times)]
    assert stdev(gaps) / fmean(gaps) == pytest.approx(4.0, abs=1.5)


def test_the_load_spans_underload_to_twice_what_the_machines_can_do() -> None:
    assert BASE.load == pytest.approx(1.25)
    assert replace(BASE, requests=720).load == pytest.approx(2.0)


def test_the_score_of_four_requests() -> None:
    requests = [
        request(0, 0.0, limit_s=4.0),
        request(1, 1.0, limit_s=4.0, battery_frac=0.3, drain_per_s=0.1),
        request(2, 2.0, limit_s=4.0, signal_dbm=-89.0, drift_db_per_s=-1.0),
        request(3, 3.0, limit_s=4.0),
    ]
    endings = [
        Ending(key=0, started_s=1.0, ended_s=2.0),  # waits 1 s, 2 s to spare
        Ending(key=1, started_s=2.0, ended_s=4.0),  # waits 1 s, 1 s to spare, its battery stands at 0
        Ending(key=2, started_s=5.0, ended_s=7.0),  # waits 3 s, 1 s late, its signal stands at -94 dBm
        Ending(key=3, started_s=None, ended_s=5.0),  # refused after 2 s: has waited for 4 s in vain
    ]
    assert astuple(score(BASE, requests, endings)) == pytest.approx(
        astuple(
            Score(
                battery_percent=50.0,
                signal_percent=50.0,
                qos_percent=50.0,
                success_percent=25.0,
                wait_s=9.0 / 4.0,
                qoe_s=2.0 / 4.0,
            )
        )
    )


def test_who_refuses_late_has_let_the_device_wait_longer() -> None:
    outcome = score(BASE, [request(0, 0.0, limit_s=4.0)], [Ending(key=0, started_s=None, ended_s=6.0)])
    assert (outcome.wait_s, outcome.qoe_s) == (6.0, -2.0)
