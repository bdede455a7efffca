"""The simulated world: queues, link, handshakes, time-outs; what must hold whatever the policy does."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product

import pytest
from simulated import BLACK_HOLE, Scripted, changing_link, image, run, scene

from benchmarks.policies.cells import _MAKERS, profile_of
from benchmarks.policies.contender import Contender, Plan
from benchmarks.policies.fixed import Always, Oracle, Race
from benchmarks.policies.scene import HEADER_BYTES, Arrivals, Scene
from offload_sdk.testing import LinkSample, LinkTrace

LOCAL, REMOTE = Plan(first="local"), Plan(first="remote")
WITHOUT_DUPLICATES = [name for name in _MAKERS if name not in ("race", "hedge_p90", "auto", "energy", "bandit")]


def contender(name: str) -> Contender:
    base = scene()
    return _MAKERS[name](base, profile_of(100.0))


def total_s(of: Scene, who: Contender) -> float:
    return sum(answer.latency_s for answer in run(of, who).answers)


@pytest.mark.parametrize("arrivals", ["closed", "open", "periodic", "bursts"])
@pytest.mark.parametrize("name", _MAKERS)
def test_each_image_is_answered_exactly_once(name: str, arrivals: Arrivals) -> None:
    answers = run(scene(arrivals=arrivals), contender(name)).answers
    assert sorted(answer.index for answer in answers) == list(range(120))
    assert all(answer.latency_s > 0.0 for answer in answers)


@pytest.mark.parametrize("name", _MAKERS)
def test_a_camera_answers_or_drops_each_frame(name: str) -> None:
    result = run(scene(arrivals="camera"), contender(name))
    assert len(result.answers) + result.dropped == 120
    ends = sorted((a.started_s, a.started_s + a.latency_s) for a in result.answers)
    assert all(after[0] >= before[1] for before, after in pairwise(ends))


@pytest.mark.parametrize("name", _MAKERS)
def test_a_black_hole_delays_but_blocks_nothing(name: str) -> None:
    answers = run(scene(BLACK_HOLE, count=30), contender(name)).answers
    assert len(answers) == 30
    assert all(answer.path == "local" for answer in answers)
    assert all(answer.latency_s < 10.0 + 30 * 0.15 for answer in answers)


@pytest.mark.parametrize("name", _MAKERS)
def test_the_same_seed_gives_the_same_run(name: str) -> None:
    assert run(scene(arrivals="open"), contender(name)) == run(scene(arrivals="open"), contender(name))


@pytest.mark.parametrize("name", WITHOUT_DUPLICATES)
def test_in_a_closed_loop_nobody_beats_the_truth_without_duplicates(name: str) -> None:
    for answer in run(scene(), contender(name), truth=True).answers:
        assert answer.latency_s >= answer.least_s - 1e-9


def test_the_oracle_takes_what_the_truth_allows() -> None:
    for answer in run(scene(), Oracle(), truth=True).answers:
        assert answer.latency_s == pytest.approx(answer.least_s)
        assert not answer.duplicate


@pytest.mark.parametrize("name", WITHOUT_DUPLICATES)
def test_in_a_closed_loop_the_oracle_is_below_each_image_that_starts_with_it(name: str) -> None:
    best = {a.index: a for a in run(scene(), Oracle()).answers}
    together = [
        (a, best[a.index]) for a in run(scene(), contender(name)).answers if a.started_s == best[a.index].started_s
    ]
    assert len(together) > 60
    assert all(theirs.latency_s >= own.latency_s - 1e-9 for theirs, own in together)


def test_a_race_takes_the_lesser_of_both() -> None:
    answers = run(scene(), Race(), truth=True).answers
    assert all(answer.latency_s == pytest.approx(answer.least_s) for answer in answers)
    assert {answer.path for answer in answers} == {"local", "remote"}


def test_a_transfer_takes_as_long_as_the_trace_says() -> None:
    link = changing_link(3)
    scripted = Scripted(REMOTE, keeps_warm=True)
    for answer in run(scene(link), scripted).answers:
        if answer.path == "remote":
            draw = scene(link).images[answer.index]
            left_s = link.finish_s(answer.started_s, draw.size_bytes + HEADER_BYTES)
            assert answer.latency_s == pytest.approx(
                left_s + link.at(left_s).rtt_s + draw.server_s - answer.started_s
            )


def test_uploads_go_one_after_the_other() -> None:
    link = LinkTrace.constant(8.0, 20.0)  # 1 MB/s
    size = 100_000 - HEADER_BYTES
    images = [image(0.0, size), image(0.01, size), image(0.02, size)]
    answers = run(scene(link, images=images, arrivals="open"), Scripted(REMOTE, keeps_warm=True)).answers
    assert [a.started_s + a.latency_s for a in answers] == pytest.approx([0.13, 0.23, 0.33])


def test_a_stall_holds_what_is_under_way() -> None:
    link = LinkTrace(
        [
            LinkSample(uplink_mbps=8.0, rtt_ms=20.0),
            LinkSample(t_s=0.05, uplink_mbps=0.0, rtt_ms=20.0),
            LinkSample(t_s=2.05, uplink_mbps=8.0, rtt_ms=20.0),
        ],
        repeat=False,
    )
    images = [image(0.0, 100_000 - HEADER_BYTES)]
    answers = run(scene(link, images=images), Scripted(REMOTE, keeps_warm=True)).answers
    assert answers[0].latency_s == pytest.approx(2.13)


def test_the_device_works_in_order() -> None:
    images = [image(0.0), image(0.01), image(0.02), image(0.5)]
    scripted = Scripted(LOCAL)
    answers = run(scene(images=images, arrivals="open"), scripted).answers
    assert [a.index for a in answers] == [0, 1, 2, 3]
    assert [a.latency_s for a in answers] == pytest.approx([0.1, 0.19, 0.28, 0.1])
    assert [view.local_waiting for view in scripted.views] == [0, 1, 2, 0]
    assert [a.wait_s for a in scripted.attempts] == pytest.approx([0.0, 0.09, 0.18, 0.0])


def test_a_cold_connection_costs_a_round_trip_when_unused_or_after_a_failure() -> None:
    link = LinkTrace.constant(800.0, 50.0)
    images = [image(0.0), image(1.0), image(57.0)]
    scripted = Scripted(REMOTE)
    run(scene(link, images=images, arrivals="open"), scripted)
    assert [a.connect_s for a in scripted.attempts] == [0.05, None, 0.05]
    scripted = Scripted(REMOTE, Plan(first="remote", budget_s=0.01), REMOTE)
    run(scene(link, images=[image(0.0), image(1.0), image(2.0)], arrivals="open"), scripted)
    remote = [a for a in scripted.attempts if a.path == "remote"]
    assert [(a.status, a.connect_s) for a in remote] == [("success", 0.05), ("timeout", None), ("success", 0.05)]


def test_a_time_out_falls_back_to_the_device() -> None:
    result = run(scene(BLACK_HOLE, images=[image()]), Scripted(Plan(first="remote", budget_s=0.3)))
    assert result.answers[0].latency_s == pytest.approx(0.4)
    assert result.answers[0].path == "local"
    assert result.answers[0].duplicate
    assert result.sent_bytes == 0.0


def test_a_hedge_starts_late_and_the_loser_is_stopped() -> None:
    link = LinkTrace.constant(0.8, 20.0)  # 100 KB/s
    plan = Plan(first="remote", second_after_s=0.05)
    scripted = Scripted(plan, LOCAL, keeps_warm=True)
    images = [image(0.0, 100_000), image(0.1)]
    result = run(scene(link, images=images, arrivals="open"), scripted)
    assert [a.latency_s for a in result.answers] == pytest.approx([0.15, 0.15])  # the second waits for the hedge
    assert result.sent_bytes == pytest.approx(0.15 * 100_000)
    assert [a.status for a in scripted.attempts] == ["success", "cancelled", "success"]
    assert [a.duplicate for a in result.answers] == [True, False]


def test_a_waiting_duplicate_is_dropped_when_the_answer_comes() -> None:
    link = LinkTrace.constant(800.0, 20.0)
    images = [image(0.0, local_s=1.0), image(0.1), image(0.2)]
    scripted = Scripted(LOCAL, Plan(first="remote", second_after_s=0.0), LOCAL, keeps_warm=True)
    result = run(scene(link, images=images, arrivals="open"), scripted)
    by_index = sorted(result.answers, key=lambda answer: answer.index)
    assert by_index[1].path == "remote"
    assert not by_index[1].duplicate
    assert by_index[2].latency_s == pytest.approx(0.9)  # only the first is ahead of it


def test_energy_and_bytes_are_of_what_was_run() -> None:
    link, profile = LinkTrace.constant(8.0, 20.0), profile_of(100.0)
    assert profile.cpu_active_w
    assert profile.radio_tx_w
    assert profile.radio_wait_w
    local = run(scene(link, images=[image()]), Scripted(LOCAL))
    assert local.energy_j == pytest.approx(0.1 * profile.cpu_active_w)
    assert local.sent_bytes == 0
    remote = run(scene(link, images=[image(0.0, 20_000)]), Scripted(REMOTE, keeps_warm=True))
    assert remote.sent_bytes == 20_000 + HEADER_BYTES
    wanted_j = (profile.radio_wake_j or 0.0) + 0.0205 * profile.radio_tx_w + 0.03 * profile.radio_wait_w
    assert remote.energy_j == pytest.approx(wanted_j)


def test_the_greedy_oracle_is_near_the_best_of_all_plans() -> None:
    """With queues taking the quicker side at once is not always best: how far off it is, by trying every plan."""
    gaps: list[float] = []
    for seed in range(12):
        small = scene(changing_link(seed), count=7, arrivals="bursts", seed=seed)

        every = product((LOCAL, REMOTE), repeat=len(small.images))
        best_s = min(total_s(small, Scripted(*plans, keeps_warm=True)) for plans in every)
        gaps.append(total_s(small, Oracle()) / best_s - 1.0)
    assert min(gaps) >= -1e-9
    assert sum(gaps) / len(gaps) < 0.05


def test_deadlines_and_arrivals_do_not_depend_on_the_policy() -> None:
    starts = [
        [a.started_s for a in sorted(run(scene(arrivals="open"), who).answers, key=lambda a: a.index)]
        for who in (Always("local"), Always("remote"), Race())
    ]
    assert starts[0] == starts[1] == starts[2]
    assert replace(scene(), seed=2).images == scene().images
