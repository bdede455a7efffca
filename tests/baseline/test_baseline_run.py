"""The measuring: one at a time in the order drawn, each kept at once, failures kept too."""

from __future__ import annotations

from pathlib import Path

import pytest
from baseline_kit import ScriptedTarget, images_in, measured, write_pictures

from offload_sdk.baseline.images import ImageFile
from offload_sdk.baseline.measurement import Key, Measurement
from offload_sdk.baseline.order import Way, order
from offload_sdk.baseline.run import WARM_UPS, check, measure
from offload_sdk.errors import OffloadError, RemoteError
from offload_sdk.testing import FakeClock

WAYS = (Way("a", "sdk"), Way("a", "original"), Way("b", "sdk"))


@pytest.fixture
def images(tmp_path: Path) -> dict[str, ImageFile]:
    return images_in(write_pictures(tmp_path / "pictures", 5))


def _measure(
    targets: list[ScriptedTarget], images: dict[str, ImageFile], keys: list[Key], *earlier: Measurement
) -> list[Measurement]:
    kept: list[Measurement] = []
    clock = FakeClock()
    measure(
        targets, images, keys, {m.key: m for m in earlier}, kept.append, clock=clock, wall=lambda: clock() + 1e9
    )
    return kept


def test_everything_is_measured_once_in_the_order_drawn_behind_a_warm_up(images: dict[str, ImageFile]) -> None:
    keys = [key for run in (1, 2) for key in order(run, images, WAYS, 0)]
    a, b = ScriptedTarget("a"), ScriptedTarget("b")
    kept = _measure([a, b], images, keys)
    assert [m.key for m in kept] == keys
    assert [m.position for m in kept] == [*range(15), *range(15)]
    assert len(a.asked) == 2 * WARM_UPS + 20
    assert len(b.asked) == WARM_UPS + 10
    assert b.asked[WARM_UPS:] == [(key.image, key.payload) for key in keys if key.target == "b"]


def test_what_was_measured_before_gives_the_positions_that_follow(images: dict[str, ImageFile]) -> None:
    keys = order(1, images, WAYS, 0)
    earlier = [measured(**key._asdict(), position=place) for place, key in enumerate(keys[:7])]
    kept = _measure([ScriptedTarget("a"), ScriptedTarget("b")], images, keys[7:], *earlier)
    assert [m.position for m in kept] == list(range(7, 15))


def test_what_is_being_done_is_told_with_the_time_that_is_left(images: dict[str, ImageFile]) -> None:
    keys = [key for run in (1, 2) for key in order(run, images, [Way("a", "sdk")], 0)]
    told: list[tuple[str, float]] = []
    clock = FakeClock()
    measure(
        [ScriptedTarget("a", latency_s=90.0)],
        images,
        keys,
        {},
        lambda measurement: None,
        tell=lambda step, frac: told.append((step, frac)),
        clock=clock,
    )
    assert told[:4] == [
        ("warming up a", 0.0),
        ("run 1 of 2", 0.0),
        ("run 1 of 2, 14 min left", 0.1),
        ("run 1 of 2, 12 min left", 0.2),
    ]
    assert told[-2:] == [("run 2 of 2, 180 s left", 0.8), ("run 2 of 2, 90 s left", 0.9)]


def test_a_failure_is_kept_and_its_target_waited_for(images: dict[str, ImageFile]) -> None:
    keys = order(1, images, [Way("a", "sdk")], 0)
    target = ScriptedTarget("a", lambda call: "refused" if call in (4, 5) else None)
    kept = _measure([target], images, keys)
    assert [m.failure for m in kept] == [None, "refused", "refused", None, None]
    assert target.recoveries == 2


def test_an_image_that_is_not_accepted_says_nothing_of_the_target(images: dict[str, ImageFile]) -> None:
    target = ScriptedTarget("a", lambda call: "input")
    kept = _measure([target], images, order(1, images, [Way("a", "sdk")], 0))
    assert [m.failure for m in kept] == ["input"] * 5
    assert target.recoveries == 0


def test_a_target_that_is_gone_for_good_ends_the_measuring_with_one_failure(images: dict[str, ImageFile]) -> None:
    keys = order(1, images, WAYS, 0)
    gone = ScriptedTarget("a", lambda call: "connect" if call > 2 * WARM_UPS else None, recovers=False)
    kept: list[Measurement] = []
    with pytest.raises(RemoteError, match=r"a does not answer any more: it was connect; \d of 15 .* same command"):
        measure([gone, ScriptedTarget("b")], images, keys, {}, kept.append)
    assert [m.failure for m in kept if m.failure] == ["connect"]
    assert kept[-1].failure == "connect"


def test_nothing_is_lost_when_it_cannot_be_kept(images: dict[str, ImageFile]) -> None:
    target = ScriptedTarget("a")

    def refuse(measurement: Measurement) -> None:
        raise OffloadError("the disk is full")

    with pytest.raises(OffloadError, match="full"):
        measure([target], images, order(1, images, [Way("a", "sdk")], 0), {}, refuse)
    assert len(target.asked) == WARM_UPS + 1


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"x")])
def test_an_image_that_changes_meanwhile_ends_it(images: dict[str, ImageFile], change) -> None:  # type: ignore[no-untyped-def]
    change(images["3.jpg"].path)
    target = ScriptedTarget("a")
    with pytest.raises(OffloadError, match=r"3\.jpg (is gone|was changed)"):
        _measure([target], images, order(1, images, [Way("a", "sdk")], 0))


def test_every_target_that_does_not_answer_is_named_before_anything_is_measured() -> None:
    targets = [
        ScriptedTarget("a", wrong="no connection"),
        ScriptedTarget("b"),
        ScriptedTarget("c", wrong="HTTP 401"),
    ]
    with pytest.raises(RemoteError, match=r"a .*no connection; c .*HTTP 401; nothing was measured"):
        check(targets)
    check([ScriptedTarget("b")])
