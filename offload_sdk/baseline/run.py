"""The measuring itself: one image to one target at a time, in the order drawn, each kept before the next begins.

What a target is, and what becomes of the measurements, is elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from offload_sdk.baseline.images import ImageFile
from offload_sdk.baseline.measurement import Key, Measurement, PayloadKind
from offload_sdk.baseline.order import Way
from offload_sdk.baseline.pace import Pace
from offload_sdk.baseline.reading import Reading
from offload_sdk.baseline.targets import TargetSpec
from offload_sdk.errors import RemoteError
from offload_sdk.typing import Clock

__all__ = ["WARM_UPS", "MeasuredTarget", "Tell", "check", "measure"]

WARM_UPS = 3
"""Images sent in each way before anything is measured: models are packed, connections opened, clocks raised."""

Tell = Callable[[str, float], None]
"""Hears what is being done and the share that is done already, 0..1."""


class MeasuredTarget(Protocol):
    """A target that can be measured. `check` returns what is wrong with it, None if it answers. After a failure
    `recover` waits until it answers again, and returns whether it does."""

    @property
    def spec(self) -> TargetSpec: ...

    def check(self) -> str | None: ...

    def run(self, image: ImageFile, payload: PayloadKind) -> Reading: ...

    def recover(self) -> bool: ...


def check(targets: Sequence[MeasuredTarget]) -> None:
    """Raise `RemoteError` naming every target that does not answer."""
    problems = [
        f"{target.spec.name} ({target.spec.url}) does not answer: {problem}"
        for target in targets
        if (problem := target.check()) is not None
    ]
    if problems:
        raise RemoteError("; ".join(problems) + "; nothing was measured")


def measure(
    targets: Sequence[MeasuredTarget],
    images: Mapping[str, ImageFile],
    keys: Sequence[Key],
    earlier: Mapping[Key, Measurement],
    keep: Callable[[Measurement], None],
    *,
    tell: Tell = lambda step, frac: None,
    clock: Clock = time.monotonic,
    wall: Clock = time.time,
) -> None:
    """Warm every way up, then measure `keys` in order. `keep` has each measurement before the next one begins.

    A failure is a measurement like any other: it is kept, and its target then waited for, so that one outage is
    not counted once for each image. Raises `RemoteError` if it does not come back, `OffloadError` if an image was
    changed.
    """
    by_name = {target.spec.name: target for target in targets}
    _warm_up(by_name, images, keys, tell)
    pace = Pace(keys)
    places: dict[int, int] = {}
    for key, old in earlier.items():
        pace.seen(key, old.latency_s)
        places[key.run] = max(places.get(key.run, 0), old.position + 1)
    repeat = max(key.run for key in keys)
    ended_s = clock()
    for number, key in enumerate(keys):
        tell(_step(key, repeat, pace.left_s()), number / len(keys))
        image, target = images[key.image], by_name[key.target]
        image.check_unchanged()
        began_wall_s, began_s = wall(), clock()
        reading = target.run(image, key.payload)
        position = places.get(key.run, 0)
        keep(reading.at(key, image, position=position, began_wall_s=began_wall_s))
        places[key.run] = position + 1
        pace.done(key, reading.latency_s, began_s - ended_s)
        if reading.failure not in (None, "input"):
            tell(f"waiting for {key.target}", (number + 1) / len(keys))
            if not target.recover():
                raise RemoteError(
                    f"{key.target} does not answer any more: {reading.error}; {number + 1:,} of {len(keys):,} "
                    "measurements are kept: start the same command again when it does"
                )
        ended_s = clock()


def _warm_up(
    targets: Mapping[str, MeasuredTarget], images: Mapping[str, ImageFile], keys: Sequence[Key], tell: Tell
) -> None:
    first = list(dict.fromkeys(key.image for key in keys))[:WARM_UPS]
    for way in dict.fromkeys(Way(key.target, key.payload) for key in keys):
        tell(f"warming up {way.target}", 0.0)
        for name in first:
            targets[way.target].run(images[name], way.payload)


def _step(key: Key, repeat: int, left_s: float | None) -> str:
    text = f"run {key.run} of {repeat}"
    return text if left_s is None else f"{text}, {_words(left_s)} left"


def _words(seconds: float) -> str:
    minutes = round(seconds / 60.0)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02} min"
    return f"{minutes} min" if minutes >= 5 else f"{seconds:.0f} s"
