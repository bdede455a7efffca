"""The SDK in the simulation is the SDK: its circuit, probes and learning at work."""

from __future__ import annotations

import pytest
from simulated import BLACK_HOLE, BOARD_MS, run, scene

from benchmarks.policies.cells import profile_of
from benchmarks.policies.sdk import HedgeAtP90, Sdk
from offload_sdk.testing import LinkSample, LinkTrace

GOOD = LinkTrace.constant(50.0, 10.0)
BAD = LinkTrace.constant(0.5, 10.0)


def sdk(kind: type[Sdk] = Sdk) -> Sdk:
    return kind(profile_of(BOARD_MS), 20_000, 1)


@pytest.mark.parametrize(("link", "path"), [(GOOD, "remote"), (BAD, "local")])
def test_it_learns_which_side_is_the_faster(link: LinkTrace, path: str) -> None:
    answers = run(scene(link), sdk()).answers
    assert sum(answer.path == path for answer in answers[5:]) >= 110


def test_a_dead_link_is_left_after_one_image() -> None:
    samples = [LinkSample(uplink_mbps=50.0, rtt_ms=10.0), LinkSample(t_s=20.2, uplink_mbps=0.0, rtt_ms=10.0)]
    dying = LinkTrace(samples, repeat=False)
    contender = sdk()
    answers = run(scene(dying), contender).answers
    after = [answer for answer in answers if 20.2 < answer.started_s < 40.0]  # later the circuit risks one
    assert sum(answer.duplicate for answer in after) <= 1
    assert all(answer.path == "local" for answer in after)
    assert contender.circuit.is_open


def test_it_comes_back_within_two_probe_intervals() -> None:
    samples = [
        LinkSample(uplink_mbps=50.0, rtt_ms=10.0),
        LinkSample(t_s=10.2, uplink_mbps=0.0, rtt_ms=10.0),
        LinkSample(t_s=30.2, uplink_mbps=50.0, rtt_ms=10.0),
    ]
    answers = run(scene(LinkTrace(samples, repeat=False)), sdk()).answers
    back_s = min(a.started_s for a in answers if a.started_s > 30.2 and a.path == "remote")
    assert back_s <= 30.2 + 2 * 5.0 + 3.0 + 0.5  # a probe that was under way takes up to 3 s


def test_probes_keep_their_budget() -> None:
    of = scene(BAD, count=600)
    result = run(of, sdk())
    every = sum(draw.size_bytes for draw in of.images)
    assert 0 < result.probe_bytes <= 0.01 * every + 65536


def test_without_a_network_hardly_a_byte_is_tried() -> None:
    result = run(scene(BLACK_HOLE), sdk())
    assert sum(answer.duplicate for answer in result.answers) <= 3
    assert result.sent_bytes == 0.0


def test_a_hedge_bounds_what_a_stall_costs() -> None:
    samples = [LinkSample(uplink_mbps=50.0, rtt_ms=10.0), LinkSample(t_s=20.2, uplink_mbps=0.0, rtt_ms=10.0)]
    dying = LinkTrace(samples, repeat=False)
    worst = {
        kind: max(answer.latency_s for answer in run(scene(dying), sdk(kind)).answers[10:])
        for kind in (Sdk, HedgeAtP90)
    }
    assert worst[HedgeAtP90] < worst[Sdk]
