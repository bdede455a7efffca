"""The arithmetic of link traces, against sums done by hand and against each other."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk.errors import ConfigurationError
from offload_sdk.testing import LinkSample, LinkTrace

# 8 Mbit/s are 10^6 bytes/s: 1 s of them, a stall of 1 s, 2 s of half the rate.
SAMPLES = [
    LinkSample(t_s=0.0, uplink_mbps=8.0, rtt_ms=10.0, loss=0.5),
    LinkSample(t_s=1.0, uplink_mbps=0.0, rtt_ms=20.0),
    LinkSample(t_s=2.0, uplink_mbps=4.0, rtt_ms=30.0),
    LinkSample(t_s=4.0, uplink_mbps=99.0, rtt_ms=99.0),
]


def test_a_sample_holds_until_the_next_and_the_trace_starts_again() -> None:
    trace = LinkTrace(SAMPLES)
    assert trace.duration_s == 4.0
    rtts = [trace.at(t_s).rtt_ms for t_s in (0.0, 0.999, 1.0, 2.0, 3.999, 4.0, 5.0, 402.0)]
    assert rtts == [10.0, 10.0, 20.0, 30.0, 30.0, 10.0, 20.0, 30.0]


def test_a_trace_that_is_not_repeated_holds_its_last_sample() -> None:
    trace = LinkTrace(SAMPLES, repeat=False)
    assert [trace.at(t_s).rtt_ms for t_s in (3.9, 4.0, 1e6)] == [30.0, 99.0, 99.0]


@pytest.mark.parametrize(
    ("start_s", "size_bytes", "finish_s"),
    [
        (0.0, 0, 0.0),
        (0.0, 500_000, 0.5),
        (0.0, 1_000_000, 1.0),  # just before the stall
        (0.0, 1_000_001, 2.000002),  # just after it
        (0.5, 1_000_000, 3.0),
        (1.5, 500_000, 3.0),
        (0.0, 2_000_000, 4.0),
        (0.0, 2_500_000, 4.5),
        (0.0, 4_000_000, 8.0),
        (4.0, 20_000_000, 44.0),
        (401.5, 1, 402.000002),
    ],
)
def test_when_bytes_have_passed(start_s: float, size_bytes: int, finish_s: float) -> None:
    assert LinkTrace(SAMPLES).finish_s(start_s, size_bytes) == pytest.approx(finish_s, abs=1e-9)


def test_a_link_that_never_carries_anything() -> None:
    dead = LinkTrace.constant(0.0, 40.0)
    assert dead.finish_s(0.0, 1) == math.inf
    assert dead.finish_s(3.0, 0) == 3.0
    dead_loop = LinkTrace([LinkSample(uplink_mbps=0.0, rtt_ms=1.0)], duration_s=2.0)
    assert dead_loop.finish_s(0.0, 1) == math.inf
    ends_dead = LinkTrace([SAMPLES[0], SAMPLES[1]], repeat=False)
    assert ends_dead.finish_s(0.0, 1_000_000) == pytest.approx(1.0)
    assert ends_dead.finish_s(0.0, 1_000_001) == math.inf


steps = st.lists(
    st.tuples(st.floats(0.01, 5.0), st.one_of(st.just(0.0), st.floats(0.01, 500.0))), min_size=1, max_size=12
)


@given(steps, st.booleans(), st.floats(0.0, 100.0), st.floats(1.0, 1e7))
def test_finish_is_the_inverse_of_passed(
    parts: list[tuple[float, float]], repeat: bool, start_s: float, size_bytes: float
) -> None:
    t_s, samples = 0.0, []
    for held_s, mbps in parts:
        samples.append(LinkSample(t_s=t_s, uplink_mbps=mbps, rtt_ms=1.0))
        t_s += held_s
    trace = LinkTrace(samples, duration_s=t_s, repeat=repeat)
    finish_s = trace.finish_s(start_s, size_bytes)
    assert finish_s >= start_s
    if math.isfinite(finish_s):
        assert trace.passed_bytes(start_s, finish_s) == pytest.approx(size_bytes, rel=1e-6, abs=1.0)
    else:
        assert trace.passed_bytes(start_s, start_s + 1e4) < size_bytes + 1.0


def test_constant_concatenated_and_cut() -> None:
    good = LinkTrace.constant(50.0, 5.0, duration_s=2.0)
    dead = LinkTrace.constant(0.0, 100.0, duration_s=1.0)
    story = LinkTrace.concatenate(good, dead, LinkTrace(SAMPLES), repeat=False)
    assert story.duration_s == 7.0
    assert [story.at(t_s).uplink_mbps for t_s in (0.0, 1.9, 2.0, 3.0, 4.5, 6.0, 99.0)] == [
        50.0, 50.0, 0.0, 8.0, 0.0, 4.0, 4.0,
    ]  # fmt: skip
    piece = story.cut(1.5, 3.5)
    assert piece.duration_s == 2.0
    assert [(sample.t_s, sample.uplink_mbps) for sample in piece.samples] == [(0.0, 50.0), (0.5, 0.0), (1.5, 8.0)]
    looped = LinkTrace(SAMPLES).cut(3.0, 9.0)
    assert [(sample.t_s, sample.uplink_mbps) for sample in looped.samples] == [
        (0.0, 4.0), (1.0, 8.0), (2.0, 0.0), (3.0, 4.0), (5.0, 8.0),
    ]  # fmt: skip
    with pytest.raises(ConfigurationError, match="endless"):
        LinkTrace.concatenate(LinkTrace.constant(1.0, 1.0), good)


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [LinkSample(t_s=1.0, uplink_mbps=1.0, rtt_ms=1.0)],
        [LinkSample(uplink_mbps=-1.0, rtt_ms=1.0)],
        [LinkSample(uplink_mbps=1.0, rtt_ms=float("nan"))],
        [LinkSample(uplink_mbps=1.0, rtt_ms=1.0, loss=1.5)],
        [SAMPLES[0], SAMPLES[2], SAMPLES[1]],
    ],
)
def test_impossible_samples_are_refused(samples: list[LinkSample]) -> None:
    with pytest.raises(ConfigurationError):
        LinkTrace(samples)


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("t_s,uplink_mbps,rtt_ms,loss\n0,8,10,0.5\n1,0,20,\n2,4,30,\n4,99,99,\n")
    assert LinkTrace.from_csv(path).samples == LinkTrace(SAMPLES).samples


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "header line lacks rtt_ms, t_s, uplink_mbps"),
        ("t_s,uplink_mbps\n0,1\n", "lacks rtt_ms"),
        ("t_s,uplink_mbps,rtt_ms,loss\n0,1,1,\n1,fast,1,\n", "line 3"),
        ("t_s,uplink_mbps,rtt_ms,loss\n0,1\n", "line 2"),
        ("t_s,uplink_mbps,rtt_ms,loss\n", "at least one sample"),
        ("t_s,uplink_mbps,rtt_ms,loss\n0,1,1,\n0,1,1,\n", "must rise"),
    ],
)
def test_a_bad_csv_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "trace.csv"
    path.write_text(text)
    with pytest.raises(ConfigurationError, match=message) as caught:
        LinkTrace.from_csv(path)
    assert str(path) in str(caught.value)


def test_a_missing_csv_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        LinkTrace.from_csv(tmp_path / "none.csv")


def test_recorded_traces_load_and_integrate(shared_data: Path) -> None:
    paths = [path for path in (shared_data / "traces").glob("*.csv") if path.name != "index.csv"]
    assert len(paths) >= 20
    for path in paths:
        trace = LinkTrace.from_csv(path)
        ends_s = [*(sample.t_s for sample in trace.samples[1:]), trace.duration_s]
        by_hand = sum(
            (end_s - sample.t_s) * sample.uplink_mbps * 125_000.0
            for sample, end_s in zip(trace.samples, ends_s, strict=True)
        )
        assert trace.passed_bytes(0.0, trace.duration_s) == pytest.approx(by_hand)
        finish_s = trace.finish_s(0.0, 3 * by_hand - 1.0)
        assert finish_s <= 3 * trace.duration_s  # earlier if the trace ends with a stall
        assert trace.passed_bytes(0.0, finish_s) == pytest.approx(3 * by_hand - 1.0)
