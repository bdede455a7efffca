"""The shared link as arithmetic: rate, turns, stalls, and changes in mid-piece."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk.testing import LinkSample, LinkTrace
from offload_sdk.testing._shared_link import SharedLink

RATE = 1_000_000.0  # bytes/s at 8 Mbit/s
STEADY = LinkTrace.constant(8.0, 0.0)


def _drain(link: SharedLink[str], until_s: float) -> list[tuple[str, int, float]]:
    return [(lane, len(data), left_s) for lane, data, left_s in link.advance(until_s)]


def test_the_last_byte_leaves_when_the_rate_says_however_late_it_is_asked() -> None:
    link: SharedLink[str] = SharedLink(STEADY, origin_s=100.0)
    link.offer("a", bytes(100_000), 105.0)
    link.offer("a", bytes(50_000), 105.01)
    left = _drain(link, 200.0)
    assert sum(size for _, size, _ in left) == 150_000
    assert left[-1][2] == pytest.approx(105.15)
    assert not link.holds("a")
    link.offer("a", bytes(1_000), 200.0)  # idle in between: no credit is saved up
    assert _drain(link, 300.0)[-1][2] == pytest.approx(200.001)


def test_two_lanes_get_equal_shares() -> None:
    link: SharedLink[str] = SharedLink(STEADY, origin_s=0.0)
    link.offer("a", bytes(100_000), 0.0)
    link.offer("b", bytes(100_000), 0.0)
    left = _drain(link, 0.1)
    sent = {lane: sum(size for name, size, _ in left if name == lane) for lane in "ab"}
    assert sent["a"] + sent["b"] == pytest.approx(RATE * 0.1, abs=2_000)
    assert abs(sent["a"] - sent["b"]) <= 4_000  # two turns


def test_a_small_request_is_not_stuck_behind_a_big_upload() -> None:
    link: SharedLink[str] = SharedLink(STEADY, origin_s=0.0)
    link.offer("big", bytes(1_000_000), 0.0)
    link.offer("small", bytes(500), 0.1)
    assert next(left_s for lane, _, left_s in _drain(link, 2.0) if lane == "small") <= 0.1 + 0.005


def test_a_stall_holds_bytes_and_lets_them_go_on() -> None:
    trace = LinkTrace(
        [
            LinkSample(t_s=0.0, uplink_mbps=8.0, rtt_ms=0.0),
            LinkSample(t_s=0.05, uplink_mbps=0.0, rtt_ms=0.0),
            LinkSample(t_s=1.05, uplink_mbps=8.0, rtt_ms=0.0),
        ],
        repeat=False,
    )
    link: SharedLink[str] = SharedLink(trace, origin_s=0.0)
    link.offer("a", bytes(100_000), 0.0)
    assert sum(size for _, size, _ in _drain(link, 1.0)) <= 50_000
    assert _drain(link, 9.0)[-1][2] == pytest.approx(1.1)


def test_retuning_keeps_what_is_sent() -> None:
    link: SharedLink[str] = SharedLink(LinkTrace.constant(0.8, 0.0), origin_s=0.0)
    link.offer("a", bytes(1_460), 0.0)  # 14.6 ms
    link.retune(LinkTrace.constant(0.0, 0.0), 0.0, 0.0073)
    assert link.next_s == math.inf
    link.retune(LinkTrace.constant(8.0, 0.0), 5.0, 5.0)
    assert _drain(link, 9.0) == [("a", 1_460, pytest.approx(5.00073))]


def test_the_ratio_scales_the_rate() -> None:
    link: SharedLink[str] = SharedLink(STEADY, origin_s=0.0, ratio=4.0)
    link.offer("a", bytes(100_000), 0.0)
    assert _drain(link, 1.0)[-1][2] == pytest.approx(0.025)


def test_a_mark_keeps_its_place_and_takes_no_time() -> None:
    link: SharedLink[str] = SharedLink(STEADY, origin_s=0.0)
    link.offer("a", bytes(1_000), 0.0)
    link.offer("a", b"", 0.0)
    assert _drain(link, 1.0) == [("a", 1_000, pytest.approx(0.001)), ("a", 0, pytest.approx(0.001))]


def test_what_is_forgotten_takes_no_rate() -> None:
    link: SharedLink[str] = SharedLink(STEADY, origin_s=0.0)
    link.offer("a", bytes(500_000), 0.0)
    link.offer("b", bytes(1_000), 0.0)
    link.forget("a", 0.001)
    assert (link.queued_bytes("a"), link.holds("a")) == (0, False)
    assert _drain(link, 9.0) == [("b", 1_000, pytest.approx(0.002))]


offers = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 40_000), st.floats(0.0, 0.05)), max_size=25)


@given(offers, st.lists(st.floats(0.0, 0.05), max_size=10), st.sampled_from([0.5, 8.0, 200.0]))
def test_nothing_lost_nothing_reordered_and_never_faster_than_the_link(
    given_offers: list[tuple[str, int, float]], looks: list[float], mbps: float
) -> None:
    trace = LinkTrace.constant(mbps, 0.0)
    link: SharedLink[str] = SharedLink(trace, origin_s=0.0)
    now_s, sent, came = 0.0, dict.fromkeys("abc", b""), dict.fromkeys("abc", b"")
    departures: list[tuple[float, int]] = []

    def look() -> None:
        for lane, data, left_s in link.advance(now_s):
            assert left_s <= now_s
            came[lane] += data
            departures.append((left_s, len(data)))

    waits = iter(looks)
    for number, (lane, size, gap_s) in enumerate(given_offers):
        data = bytes([number]) * size
        link.offer(lane, data, now_s)
        sent[lane] += data
        now_s += gap_s + next(waits, 0.0)
        look()
    now_s += 1e4
    look()
    assert came == sent
    assert [left_s for left_s, _ in departures] == sorted(left_s for left_s, _ in departures)
    total = 0
    for left_s, size in departures:
        total += size
        assert total <= trace.passed_bytes(0.0, left_s) + 1e-3
