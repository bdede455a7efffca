"""In which order a repetition goes through its images and ways. Pure: the same seed gives the same order.

Images come in an order drawn for each repetition. For each image the ways are taken one right after the other, in
an order drawn for that image: whatever drifts over minutes (heat, load, the link, the hour) meets all of them
alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from offload_sdk.baseline.measurement import Key, PayloadKind

__all__ = ["Way", "order"]


class Way(NamedTuple):
    """One target, and the form in which it is given images."""

    target: str
    payload: PayloadKind


def order(run: int, images: Iterable[str], ways: Iterable[Way], seed: int) -> list[Key]:
    """Return every (image, way) of a repetition once.

    Each place is drawn by hashing, not by shuffling a list: that an image or a way is added, or has been measured
    already, leaves the order of the others as it was.
    """
    ways = tuple(ways)
    return [
        Key(run, image, *way)
        for image in sorted(images, key=lambda image: _draw(seed, run, image))
        for way in sorted(ways, key=lambda way: _draw(seed, run, image, *way))
    ]


def _draw(*parts: object) -> bytes:
    text = "\0".join(map(str, parts))
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).digest()
