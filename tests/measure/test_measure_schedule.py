"""The rules of probing as properties: budget, jitter, one at a time, quiet when idle, recovery noticed."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offload_sdk.measure.probe_schedule import (
    IDLE_AFTER_S,
    MAX_UPLOAD_BYTES,
    MIN_UPLOAD_BYTES,
    PING_BYTES,
    UPLOAD_OVERHEAD_BYTES,
    Probe,
    ProbeSchedule,
)

pytestmark = pytest.mark.light
# An emulated or busy machine is slow; that says nothing about the arithmetic.
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def schedule(
    *endpoints: str, interval_s: float = 5.0, budget_frac: float = 0.01, start_bytes: int = 65536, seed: int = 0
) -> ProbeSchedule:
    return ProbeSchedule(
        endpoints or ("edge",),
        interval_s=interval_s,
        budget_frac=budget_frac,
        start_bytes=start_bytes,
        rng=Random(seed),
        now_s=0.0,
    )


def cost(probe: Probe) -> int:
    return PING_BYTES if probe.upload_bytes is None else probe.upload_bytes + UPLOAD_OVERHEAD_BYTES


def run(
    plan: ProbeSchedule, until_s: float, *, up: bool = True, image_every_s: float | None = 1.0
) -> list[tuple[float, Probe]]:
    """Play `until_s` seconds in steps of 50 ms; every probe takes 20 ms and costs what it is expected to."""
    done = []
    next_image_s = 0.0
    for step in range(int(until_s / 0.05)):
        now_s = step * 0.05
        if image_every_s is not None and now_s >= next_image_s:
            plan.images_seen(1, 15_000, now_s)
            next_image_s = now_s + image_every_s
        probe = plan.start(now_s)
        if probe is not None:
            done.append((now_s, probe))
            plan.finish(probe, spent_bytes=cost(probe) if up else 0, success=up, now_s=now_s + 0.02)
    return done


actions = st.lists(
    st.one_of(
        st.tuples(st.just("image"), st.integers(1, 200_000)),
        st.tuples(st.just("wait"), st.floats(0.0, 90.0)),
        st.tuples(st.just("start"), st.just(0)),
        st.tuples(st.just("success"), st.floats(0.0, 1.0)),
        st.tuples(st.just("failure"), st.floats(0.0, 1.0)),
        st.tuples(st.sampled_from(["down", "up", "sample"]), st.sampled_from(["a", "b", "stranger"])),
    ),
    max_size=120,
)


@relaxed
@given(actions, st.integers(0, 100_000), st.floats(0.0, 1.0), st.integers(0, 2**32))
def test_bytes_spent_never_exceed_the_budget(steps: list, start_bytes: int, budget_frac: float, seed: int) -> None:
    plan = schedule("a", "b", start_bytes=start_bytes, budget_frac=budget_frac, seed=seed)
    now_s, spent, offered = 0.0, 0, 0
    running: Probe | None = None
    for action, value in steps:
        if action == "image":
            offered += value
            plan.images_seen(1, value, now_s)
        elif action == "wait":
            now_s += value
        elif action == "start":
            probe = plan.start(now_s)
            assert probe is None or running is None, "two probes at once"
            running = probe or running
        elif action in ("success", "failure") and running is not None:
            part = round(value * cost(running))
            spent += part
            plan.finish(running, spent_bytes=part, success=action == "success", now_s=now_s)
            running = None
        elif action in ("down", "up"):
            plan.set_down(value, action == "down", now_s)
        elif action == "sample":
            plan.sample_seen(value, now_s)
        reserved = cost(running) if running is not None else 0
        earned = budget_frac * offered
        # Half of what images earn pays the advance back, so in the end only what they earned was spent.
        assert spent + reserved <= max(start_bytes + 0.5 * earned, earned) + 1e-6
        assert plan.allowance_bytes >= -1e-6


@relaxed
@given(actions, st.integers(0, 2**32))
def test_the_time_to_wake_is_the_time_to_start(steps: list, seed: int) -> None:
    """What `wake_s` promises, `start` keeps; so the thread neither spins nor oversleeps."""
    plan = schedule("a", "b", seed=seed)
    now_s = 0.0
    for action, value in steps:
        if action == "image":
            plan.images_seen(1, value, now_s)
        elif action == "wait":
            now_s += value
        elif action in ("down", "up"):
            plan.set_down(value, action == "down", now_s)
        elif action == "sample":
            plan.sample_seen(value, now_s)
        wake_s = plan.wake_s(now_s)
        probe = plan.start(now_s)
        assert (probe is not None) == (wake_s is not None and wake_s <= now_s)
        if probe is None and wake_s is not None:
            probe, now_s = plan.start(wake_s), wake_s
            assert probe is not None
        if probe is not None:
            plan.finish(probe, spent_bytes=0, success=action != "failure", now_s=now_s)


@relaxed
@given(st.integers(0, 2**32), st.floats(0.5, 45.0))
def test_probes_are_an_interval_apart_with_bounded_jitter(seed: int, interval_s: float) -> None:
    plan = schedule(interval_s=interval_s, start_bytes=10**6, seed=seed)
    now_s, times = 0.0, []
    for _ in range(10):
        plan.images_seen(1, 15_000, now_s)
        wake_s = plan.wake_s(now_s)
        assert wake_s is not None
        now_s = max(now_s, wake_s)
        plan.images_seen(1, 15_000, now_s)
        probe = plan.start(now_s)
        assert probe is not None
        times.append(now_s)
        plan.finish(probe, spent_bytes=cost(probe), success=True, now_s=now_s)
    first_upload_s, *gaps = [later - earlier for earlier, later in pairwise(times)]
    assert 0.16 * interval_s - 1e-6 <= first_upload_s <= 0.24 * interval_s + 1e-6
    assert all(0.8 * interval_s - 1e-6 <= gap <= 1.2 * interval_s + 1e-6 for gap in gaps)
    assert max(gaps) > min(gaps), "no jitter"
    assert times[0] <= 0.2 * interval_s


@relaxed
@given(st.integers(0, 2**32), st.floats(1.0, 30.0), st.floats(0.0, 600.0), st.booleans())
def test_recovery_is_noticed_within_two_intervals(
    seed: int, interval_s: float, outage_s: float, vanishing: bool
) -> None:
    """Whether pings fail at once or vanish: then one is under way in vain when the outage ends."""
    plan = schedule(interval_s=interval_s, seed=seed)
    plan.set_down("edge", True, 0.0)
    now_s = 0.0
    pings = 0
    while True:  # nothing but failures, without a single image, until the outage ends
        wake_s = plan.wake_s(now_s)
        assert wake_s is not None, "a failed ping costs nothing, so the budget cannot end"
        now_s = max(now_s, wake_s)
        probe = plan.start(now_s)
        assert probe is not None
        assert probe.kind == "ping"
        pings += 1
        if now_s >= outage_s:
            break
        assert probe.limit_s is not None
        now_s += probe.limit_s if vanishing else 0.0
        plan.finish(probe, spent_bytes=0, success=False, now_s=now_s)
    assert now_s <= outage_s + 2.0 * interval_s
    # Backing off: after the first quick tries about one ping in 1.6 intervals, not one per tick.
    assert pings <= 6 + outage_s / (1.28 * interval_s)


def test_nothing_is_probed_when_no_image_comes() -> None:
    probes = run(schedule(), 600.0, image_every_s=None)
    assert probes, "the first minute learns the link"
    assert max(when_s for when_s, _ in probes) < IDLE_AFTER_S


def test_probing_resumes_with_the_next_image() -> None:
    plan = schedule()
    assert plan.start(500.0) is None
    assert plan.wake_s(500.0) is None
    plan.images_seen(1, 15_000, 500.0)
    assert plan.start(500.0) is not None


def test_an_image_to_the_endpoint_postpones_its_probe() -> None:
    plan = schedule("a", "b")
    for now_s in range(200):
        plan.images_seen(1, 15_000, float(now_s))
        plan.sample_seen("a", float(now_s))
        probe = plan.start(float(now_s))
        if probe is not None:
            assert probe.endpoint == "b" or now_s == 0
            plan.finish(probe, spent_bytes=cost(probe), success=True, now_s=float(now_s))


def test_uploads_follow_pings_and_fit_the_images() -> None:
    probes = run(schedule(budget_frac=1.0), 120.0)
    kinds = [probe.kind for _, probe in probes]
    assert kinds[0] == "ping"
    assert "upload" in kinds
    assert all(before == "ping" for before, kind in pairwise(kinds) if kind == "upload")
    sizes = {probe.upload_bytes for _, probe in probes if probe.upload_bytes is not None}
    assert 15_000 in sizes
    assert all(MIN_UPLOAD_BYTES <= size <= MAX_UPLOAD_BYTES for size in sizes)


def test_a_new_link_is_learnt_at_once_and_then_left_alone() -> None:
    """Round trip and rate are known within half an interval; `start_bytes` pays, before any image has come."""
    early = [(when_s, probe.kind) for when_s, probe in run(schedule(), 12.0, image_every_s=None)]
    assert [kind for _, kind in early[:3]] == ["ping", "upload", "ping"]
    assert early[1][0] <= 2.5
    assert early[2][0] >= early[1][0] + 4.0


def test_the_first_upload_to_a_link_is_as_large_as_the_advance_allows() -> None:
    plan = schedule(interval_s=1.0, start_bytes=20_000)
    plan.images_seen(1, 107_000, 0.0)
    uploads = [probe.upload_bytes for _, probe in run(plan, 1.0, image_every_s=None) if probe.upload_bytes]
    assert len(uploads) == 1
    assert 16_000 < uploads[0] < 20_000


def test_a_small_budget_is_kept() -> None:
    probes = run(schedule(interval_s=1.0, start_bytes=0), 300.0)
    # 1 % of 15,000 bytes a second.
    assert sum(cost(probe) for _, probe in probes) <= 0.01 * 15_000 * 300
    assert len(probes) >= 60


def test_an_endpoint_that_no_image_goes_to_is_probed_more_and_more_rarely() -> None:
    plan = schedule(interval_s=1.0, start_bytes=10**6)
    times = [when_s for when_s, _ in run(plan, 200.0)]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps[:9]) <= 1.3
    assert min(gaps[-10:]) >= 3.9
    assert max(gaps) <= 6.1
    plan.sample_seen("edge", 200.0)
    wake_s = plan.wake_s(200.0)
    assert wake_s is not None
    plan.images_seen(1, 15_000, 206.0)
    probe = plan.start(206.0)
    assert probe is not None
    plan.finish(probe, spent_bytes=cost(probe), success=True, now_s=206.0)
    assert (plan.wake_s(206.0) or 0.0) <= 207.2, "an image was answered there: the usual pace again"


def test_the_advance_is_paid_back_by_half_of_what_images_earn() -> None:
    for images, expected in ((0, 10_000), (1, 10_500), (10, 15_000), (20, 20_000), (21, 21_000), (30, 30_000)):
        plan = schedule(start_bytes=10_000)
        for turn in range(images):
            plan.images_seen(1, 100_000, float(turn))  # each earns 1,000 bytes
        assert plan.allowance_bytes == pytest.approx(expected)


def test_over_time_probes_take_no_more_than_their_share_of_the_bytes() -> None:
    plan = schedule(interval_s=1.0, start_bytes=65_536)
    probes = run(plan, 1800.0)
    offered = 1800 * 15_000
    assert 0.9 * 0.01 * offered <= sum(cost(probe) for _, probe in probes) <= 0.01 * offered


def test_no_budget_no_probe() -> None:
    assert run(schedule(start_bytes=0, budget_frac=0.0), 120.0) == []


def test_without_endpoints_there_is_nothing_to_do() -> None:
    plan = ProbeSchedule((), interval_s=5.0, budget_frac=0.01, start_bytes=0, rng=Random(0), now_s=0.0)
    assert plan.wake_s(0.0) is None
    assert plan.start(0.0) is None


def test_a_ping_dearer_than_expected_is_remembered() -> None:
    plan = schedule(start_bytes=2000)
    probe = plan.start(1.0)
    assert probe is not None
    plan.finish(probe, spent_bytes=1500, success=True, now_s=1.0)
    assert plan.wake_s(1.0) is None, "500 bytes are left, and a ping takes 1,500"


def test_put_back_in_service_is_probed_as_usual() -> None:
    plan = schedule()
    plan.set_down("edge", True, 0.0)
    plan.set_down("edge", False, 1.0)
    wake_s = plan.wake_s(1.0)
    assert wake_s is not None
    assert 1.0 + 4.0 <= wake_s <= 1.0 + 6.0


def test_same_seed_same_plan() -> None:
    assert run(schedule(seed=7), 60.0) == run(schedule(seed=7), 60.0)
    assert run(schedule(seed=7), 60.0) != run(schedule(seed=8), 60.0)
