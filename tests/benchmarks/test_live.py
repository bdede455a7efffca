"""The live check: what is compared is the same on both sides, and a fault of a live run is found."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from offload_kit import built_models

from benchmarks.live.__main__ import main
from benchmarks.live.board import LimitedBoard, PaddedBoard, can_limit
from benchmarks.live.compare import Fate, compare, faults
from benchmarks.live.course import Course, course_of, paced
from benchmarks.live.device import Call, Lap
from benchmarks.live.outage import recovery
from benchmarks.live.rig import Finish
from benchmarks.live.twin import twin_of
from offload_sdk._types import Decision, ImageInfo, Label, OptionPath, Outcome, Record, Snapshot
from offload_sdk.model import resolve
from offload_sdk.testing import LinkTrace

BOARD_S, SERVER_S = 0.1, 0.02
FAST = LinkTrace.constant(1000.0, 0.0)


def course(count: int = 20, interval_s: float = 0.5, link: LinkTrace = FAST) -> Course:
    return paced(link, board_s=BOARD_S, payload_bytes=9_000, count=count, interval_s=interval_s, seed=1)


def record(request_id: str, path: OptionPath, timings: dict[str, float], **changes: Any) -> Record:
    option = "local" if path == "local" else "remote"
    outcome = Outcome(
        option=option, path=path, status="success", role="answer", started_s=0.0, latency_s=0.0, timings=timings
    )
    plain = Record(
        request_id=request_id,
        wall_s=0.0,
        image=ImageInfo(format="JPEG", width=9, height=9),
        snapshot=Snapshot(taken_s=0.0),
        decision=Decision(chosen=option, path=path, policy="p", reason="", predicted={}),
        outcomes=(outcome,),
        labels=(Label(name="cat", probability=1.0, index=0),),
        path=path,
        endpoint=None,
        model=None,
        latency_s=0.0,
        timings=timings,
    )
    return replace(plain, **changes)


def finish(
    over: Course, path: OptionPath, latency_s: Callable[[int], float], timings: dict[str, float] | None = None
) -> Finish:
    """A device that answered every image at its slot, all on one path."""
    calls = tuple(
        Call(index=n, since_s=draw.slot_s, latency_s=latency_s(n), request_id=f"r{n}", labels=1)
        for n, draw in enumerate(over.images)
    )
    return Finish(
        lap=Lap(calls=calls, errors=(), threads_left=()),
        rows=tuple(record(call.request_id, path, timings or {}) for call in calls),
    )


def write_trace(folder: Path, name: str, mbps: float) -> None:
    rows = "".join(f"{t},{mbps},4,\n" for t in range(31))
    (folder / f"{name}.csv").write_text(f"t_s,uplink_mbps,rtt_ms,loss\n{rows}")


@pytest.mark.light
def test_a_course_takes_every_trace_before_any_comes_again_and_pictures_of_the_drawn_sizes(tmp_path: Path) -> None:
    for number in range(4):
        write_trace(tmp_path, f"t{number}", 10.0 * (number + 1))

    def drawn() -> Course:
        names = [f"t{n}" for n in range(4)]
        return course_of(
            tmp_path,
            names,
            images=60,
            arrivals="open",
            board_s=BOARD_S,
            payload_bytes=12_000,
            warm_s=5.0,
            piece_s=10.0,
            seed=3,
        )

    made = drawn()
    rates = [made.link.at(10.0 * piece + 5.0).uplink_mbps for piece in range(4)]
    assert sorted(rates) == [10.0, 20.0, 30.0, 40.0]
    assert made.pictures == drawn().pictures
    sizes = [len(picture) for picture in made.pictures]
    assert sum(sizes) / len(sizes) == pytest.approx(12_000, rel=0.15)
    assert all(draw.slot_s >= 5.0 for draw in made.images[made.counted.start :])
    assert len(made.images) == 70


@pytest.mark.light
def test_the_twin_relives_what_was_measured() -> None:
    """Local images take what the device took, remote ones what the server and HTTP took plus the link."""
    link = LinkTrace.constant(8.0, 30.0)
    over = course(link=link)
    local = finish(
        over, "local", lambda n: 0.13, {"wait": 0.01, "decode": 0.002, "preprocess": 0.001, "infer": 0.1}
    )
    ideal = finish(over, "remote", lambda n: SERVER_S + 0.006, {"server": SERVER_S, "network": 0.004})
    twin = twin_of(over, local, ideal, 1)
    assert [fate.latency_s for fate in twin.run("local").values()] == pytest.approx([0.12] * 20)
    remote = twin.run("remote")
    last = remote[19]  # on an open connection
    size_bytes = len(over.pictures[19]) + 500
    assert last.path == "remote"
    assert last.latency_s == pytest.approx(SERVER_S + 0.006 + 0.03 + size_bytes / 1e6, rel=0.01)


@pytest.mark.light
def test_only_as_much_is_told_as_the_server_itself_reported() -> None:
    over = course()
    local = finish(over, "local", lambda n: 0.1, {"decode": 0.002, "preprocess": 0.001, "infer": 0.1})
    ideal = finish(over, "remote", lambda n: 0.05, {"server": SERVER_S, "network": 0.01})
    twin = twin_of(over, local, ideal, 1)
    assert set(twin.told_s["remote"]) == {SERVER_S}
    assert twin.told_s["local"] == pytest.approx([0.103] * 20)
    assert {draw.server_s for draw in twin.scene.images} == {0.03}
    assert twin.scene.world.ping_s == pytest.approx(0.01)
    assert twin.around_s["remote"] == pytest.approx([0.02] * 20)


@pytest.mark.light
def test_means_are_compared_with_an_interval_over_pieces() -> None:
    over = replace(course(), piece_s=2.0)

    def fates(factor: Callable[[int], float]) -> dict[int, Fate]:
        return {n: Fate(latency_s=0.1 * factor(n), path="local", duplicate=n == 0) for n in range(20)}

    twin = fates(lambda n: 1.0)
    same = compare("p", over, fates(lambda n: 1.1), [twin, twin])
    assert (same.off_frac, same.low_frac, same.high_frac) == pytest.approx((0.1, 0.1, 0.1))
    assert same.chance_frac == 0.0
    assert same.live.duplicate_frac == 0.05
    uneven = compare("p", over, fates(lambda n: 2.0 if n < 4 else 1.0), [twin, fates(lambda n: 1.2)])
    assert uneven.low_frac < uneven.off_frac < uneven.high_frac
    assert uneven.chance_frac == pytest.approx(2**0.5 * 0.1 / 1.1)


@pytest.mark.light
def test_every_kind_of_fault_is_found() -> None:
    over = course(4)
    good = finish(over, "local", lambda n: 0.1)
    assert faults("auto", over, good) == []
    twice = replace(good.rows[0], outcomes=good.rows[0].outcomes * 2)
    wrong = Finish(
        lap=Lap(
            calls=(*good.lap.calls[:2], replace(good.lap.calls[2], labels=0)),
            errors=("image 3: KeyError()",),
            threads_left=("offload-remote-1",),
        ),
        rows=(twice, *good.rows[2:4], good.rows[2]),
    )
    found = "\n".join(faults("auto", over, wrong))
    for words in (
        "image 3: KeyError",
        "offload-remote-1 outlived",
        "image 1 has 0 rows",
        "image 2 has 2 rows",
        "image 2 has no labels",
        "image 3 was not answered",
        "1 rows of images that nobody asked about",
        "local stands 2 times",
    ):
        assert words in found


@pytest.mark.light
def test_a_recovery_is_told_from_the_decisions_and_the_answers() -> None:
    over = course(count=232, interval_s=0.25)
    done = finish(over, "remote", lambda n: 0.04)
    local = record("", "local", {})

    def row(call: Call) -> Record:
        if call.since_s < 18.2 or call.since_s >= 49.0:
            return record(call.request_id, "remote", {})
        if call.since_s == 18.25:  # waited for the endpoint first
            return replace(
                record(call.request_id, "local", {}), decision=record("", "remote", {}).decision, hedged=True
            )
        return replace(local, request_id=call.request_id)

    found = recovery("stall", replace(done, rows=tuple(row(call) for call in done.lap.calls)))
    assert (found.images, found.waited, found.both, found.before_frac) == (120, 0, 1, 1.0)
    assert found.back_s == pytest.approx(49.0 - 48.2)


def test_a_padded_board_takes_its_time_one_image_after_the_other() -> None:
    board = PaddedBoard(resolve("efficientnet_lite0", built_models()), 0.2, seed=1)
    timings = take_two(board.classify_tensor)
    board.close()
    assert all(taken["infer"] >= 0.15 for taken in timings)
    assert max(taken["wait"] for taken in timings) > 0.1


@pytest.mark.skipif(not can_limit(), reason="needs CPU control groups that may be made")
def test_a_limited_board_is_slow_by_its_quota_and_leaves_no_group() -> None:
    board = LimitedBoard(resolve("efficientnet_lite0", built_models()), 0.2)
    timings = take_two(board.classify_tensor)
    board.close()
    assert all(taken["infer"] >= 0.05 for taken in timings)
    assert not board.group.exists()


def take_two(classify: Callable[[Any, int, dict[str, float]], tuple[Label, ...]]) -> list[dict[str, float]]:
    import numpy as np

    timings: list[dict[str, float]] = [{}, {}]
    blank = np.zeros((1, 224, 224, 3), np.uint8)
    with ThreadPoolExecutor(2) as pool:
        for labels in pool.map(lambda taken: classify(blank, 2, taken), timings):
            assert len(labels) == 2
    return timings


def test_the_command_lives_and_simulates_a_short_scene(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_trace(tmp_path, "wifi_a", 20.0)
    main(
        [
            *("--traces", str(tmp_path), "--policies", "auto", "--board", "padded", "--board-ms", "150"),
            *("--arrivals", "closed", "--images", "8", "--warm-s", "2", "--piece-s", "2", "--json"),
        ]
    )
    found = json.loads(capsys.readouterr().out)
    assert found["faults"] == []
    (auto,) = found["comparisons"]
    assert auto["policy"] == "auto"
    assert 0.0 < auto["live"]["mean_s"] < 5.0  # how near it comes is for a quiet machine to tell
