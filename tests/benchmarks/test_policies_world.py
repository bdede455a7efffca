"""The pressed world: a server with a queue, a device that an upload slows, and what all of it takes in energy."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated import BLACK_HOLE, Scripted, changing_link, image, run, scene

from benchmarks.policies.cells import _MAKERS, profile_of
from benchmarks.policies.contender import Plan
from benchmarks.policies.device import Device
from benchmarks.policies.fixed import Always, EnergyOracle, Oracle, Race
from benchmarks.policies.flight import Flight
from benchmarks.policies.scene import HEADER_BYTES, Arrivals, Draw, World
from benchmarks.policies.server import OtherClients, Server
from offload_sdk.testing import LinkTrace

LOCAL, REMOTE = Plan(first="local"), Plan(first="remote")
PRESSED = World(server_workers=1, server_load_frac=0.7, contention=1.3)
NOBODY = OtherClients(0.0, 0.0, 1)
FAR_APART_S = 20.0


def far_apart(count: int, seed: int) -> list[Draw]:
    rng = random.Random(seed)
    return [image(number * FAR_APART_S, rng.randrange(2_000, 200_000)) for number in range(count)]


# The server


@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 20)), min_size=1, max_size=40),
)
def test_no_worker_rests_while_a_request_waits(workers: int, gaps: list[tuple[int, int]]) -> None:
    server = Server(workers, NOBODY)
    spans: list[tuple[float, float]] = []  # when each request is worked on; whole seconds are exact
    clock_s = 0.0
    for gap_s, service_s in gaps:
        clock_s += gap_s
        done_s = server.serve(clock_s, service_s)
        begins_s = done_s - service_s
        assert begins_s >= clock_s
        for at_s in range(int(clock_s), int(begins_s)):
            assert sum(start_s <= at_s < end_s for start_s, end_s in spans) == workers
        spans.append((begins_s, done_s))
    begins = [start_s for start_s, _ in spans]
    assert begins == sorted(begins)  # first come, first served
    assert all(sum(start_s <= at_s < end_s for start_s, end_s in spans) <= workers for at_s in begins)


def test_a_server_without_limit_never_makes_wait() -> None:
    server = Server(None, OtherClients(100.0, 0.01, 1))
    assert [server.serve(1.0, 0.5) for _ in range(9)] == [1.5] * 9


def test_others_keep_the_workers_busy_as_they_are_told_to() -> None:
    others = OtherClients(1.6, 0.02, 3)
    horizon_s = 400.0
    count = next(number for number in range(10**6) if others.arrival_s(number) > horizon_s)
    assert count * 0.02 / horizon_s == pytest.approx(1.6, rel=0.05)
    assert [OtherClients(1.6, 0.02, 3).arrival_s(number) for number in (7, 3)] == [
        others.arrival_s(7),
        others.arrival_s(3),
    ]


def test_a_look_ahead_changes_nothing() -> None:
    server = Server(2, OtherClients(1.0, 0.01, 5))
    server.serve(1.0, 0.5)
    ahead = [server.copy().serve(2.0, 0.5) for _ in range(3)]
    assert len(set(ahead)) == 1
    assert server.serve(2.0, 0.5) == ahead[0]


def test_one_worker_is_as_good_as_many_for_one_image_at_a_time() -> None:
    alone = scene(world=World(server_workers=1))
    answers, plenty = (run(of, Always("remote")).answers for of in (alone, scene()))
    assert [a.latency_s for a in answers] == pytest.approx([a.latency_s for a in plenty])


def test_a_request_waits_for_the_one_before_it_and_says_so() -> None:
    link = LinkTrace.constant(800.0, 20.0)
    scripted = Scripted(REMOTE, keeps_warm=True)
    images = [image(0.0, server_s=0.3), image(0.1, server_s=0.1), image(0.2, server_s=0.1)]
    of = scene(link, images=images, arrivals="open", world=World(server_workers=1))
    run(of, scripted)
    sent_s = (20_000 + HEADER_BYTES) / 1e8
    assert [a.started_s + a.latency_s for a in scripted.attempts] == pytest.approx(
        [0.32 + sent_s, 0.42 + sent_s, 0.52 + sent_s]
    )
    assert [a.compute_s for a in scripted.attempts] == pytest.approx([0.3, 0.3, 0.3])


def test_a_loaded_server_is_slower() -> None:
    means = [
        sum(a.latency_s for a in run(scene(world=world), Always("remote")).answers)
        for world in (World(server_workers=1, server_load_frac=load) for load in (0.0, 0.5, 0.9))
    ]
    assert means[0] < means[1] < means[2]


# The device


def flight(local_s: float) -> Flight:
    return Flight(0, image(local_s=local_s), 0.0, LOCAL, math.nan)


def test_an_upload_slows_what_is_computed_meanwhile() -> None:
    device = Device(1.5)
    device.add(flight(1.0), 0.0)
    assert device.done_s == 1.0
    device.set_uploading(True, 0.4)
    assert device.done_s == pytest.approx(0.4 + 0.6 * 1.5)
    device.set_uploading(False, 0.7)  # 0.2 of 0.6 done in 0.3
    assert device.done_s == pytest.approx(0.7 + 0.4)
    assert device.forecast_s(0.5, 0.7, 0.7) == pytest.approx(1.1 + 0.5)
    assert device.forecast_s(0.5, 0.7, 0.85) == pytest.approx(1.6 + 0.15 / 3)  # a third of 0.15 s is lost
    assert device.forecast_s(0.5, 0.7, 9.0) == pytest.approx(0.7 + 0.9 * 1.5)


def test_a_race_pays_for_the_cpu_that_the_upload_takes() -> None:
    link = LinkTrace.constant(0.8, 20.0)  # 100 KB/s
    images = [image(0.0, 5_000 - HEADER_BYTES, local_s=0.06, server_s=1.0)]
    scripted = Scripted(Plan(first="remote", second_after_s=0.0), keeps_warm=True)
    result = run(scene(link, images=images, world=World(contention=1.25)), scripted)
    # 50 ms of upload leave 40 ms of work done; 20 ms are left.
    assert result.answers[0].latency_s == pytest.approx(0.07)
    assert [a.compute_s for a in scripted.attempts if a.path == "local"] == pytest.approx([0.07])


@pytest.mark.parametrize("arrivals", ["closed", "open", "bursts", "camera"])
def test_every_image_is_answered_in_a_pressed_world(arrivals: Arrivals) -> None:
    for who in (Race(), Always("remote"), Oracle()):
        result = run(scene(arrivals=arrivals, world=PRESSED), who)
        assert len(result.answers) + result.dropped == 120


def test_the_oracles_foresee_the_pressed_world_too() -> None:
    for answer in run(scene(world=PRESSED), Oracle(), truth=True).answers:
        assert answer.latency_s == pytest.approx(answer.least_s)


# Energy


@pytest.mark.parametrize("seed", range(3))
def test_nobody_takes_less_energy_than_the_energy_oracle(seed: int) -> None:
    """With images so far apart that all policies meet each at the same moment."""
    of = scene(changing_link(seed, 900), images=far_apart(40, seed))
    least_j = run(of, EnergyOracle()).energy_j
    taken_j = {name: run(of, make(of, profile_of(100.0))).energy_j for name, make in _MAKERS.items()}
    assert min(taken_j.values()) >= least_j - 1e-9
    assert least_j < min(taken_j["local"], taken_j["remote"])


def test_the_energy_oracle_stays_local_where_the_link_is_dead() -> None:
    assert all(a.path == "local" for a in run(scene(BLACK_HOLE, count=5), EnergyOracle()).answers)


def test_the_energy_policy_is_near_its_oracle_on_a_steady_link() -> None:
    of = scene(LinkTrace.constant(20.0, 30.0))
    taken_j = {name: run(of, _MAKERS[name](of, profile_of(100.0))).energy_j for name in ("energy", "local")}
    assert taken_j["energy"] < 1.1 * run(of, EnergyOracle()).energy_j < taken_j["local"]


def test_the_energy_of_both_sides_counts_when_both_work() -> None:
    link, profile = LinkTrace.constant(80.0, 20.0), profile_of(100.0)
    images = [image(0.0), image(5.0)]
    local_j, remote_j, race_j = (
        run(scene(link, images=images), Scripted(plan, keeps_warm=True)).energy_j
        for plan in (LOCAL, REMOTE, Plan(first="remote", second_after_s=0.0))
    )
    # The server is quicker, and an inference cannot be stopped: also the last one is paid for to its end.
    assert race_j == pytest.approx(local_j + remote_j)
    assert local_j == pytest.approx(0.2 * (profile.cpu_active_w or 0.0))
