"""What every device meets alike: the link, the pictures and when they come. Runs nothing."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from io import BytesIO
from pathlib import Path
from statistics import NormalDist

from PIL import Image

from benchmarks.pictures import camera_frame
from benchmarks.policies.links import load
from benchmarks.policies.scene import Arrivals, Draw, draw_images
from offload_sdk.testing import LinkTrace

__all__ = ["Course", "course_of", "paced"]

_JPEG_QUALITY = 90
_RATE_PER_S = 2.0
_PALETTE = 24  # different pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A link and images on it; times count from 0, when the link begins.

    `pictures[n]` is what is classified as image n: a JPEG that is sent as it is. Images that come before
    `warm_s` teach the SDK and do not count. The link changes every `piece_s`.
    """

    link: LinkTrace
    images: tuple[Draw, ...]
    pictures: tuple[bytes, ...]
    arrivals: Arrivals
    board_s: float
    payload_bytes: int
    warm_s: float
    piece_s: float

    def piece(self, index: int) -> int:
        """The piece of the link during which the image was due."""
        return int(self.images[index].slot_s // self.piece_s)

    @property
    def counted(self) -> range:
        first = next(n for n, draw in enumerate(self.images) if draw.slot_s >= self.warm_s)
        return range(first, len(self.images))


def course_of(
    folder: Path,
    traces: Sequence[str],
    *,
    images: int,
    arrivals: Arrivals,
    board_s: float,
    payload_bytes: int,
    warm_s: float,
    piece_s: float,
    seed: int,
) -> Course:
    """Pieces of the traces from random places, each trace once before any comes again; `images` that count."""
    rng = random.Random(f"{seed}/course")
    known = [load(folder, name) for name in traces]
    pieces: list[LinkTrace] = []
    order: list[LinkTrace] = []
    for _ in range(math.ceil((images / _RATE_PER_S + warm_s) / piece_s) + 1):
        order = order or rng.sample(known, len(known))
        trace = order.pop()
        start_s = rng.uniform(0.0, max(trace.duration_s - piece_s, 0.0))
        pieces.append(trace.cut(start_s, start_s + piece_s))
    draws = draw_images(
        images + round(warm_s * _RATE_PER_S),
        arrivals=arrivals,
        board_s=board_s,
        payload_bytes=payload_bytes,
        server_s=0.0,
        rng=rng,
    )
    return Course(
        link=LinkTrace.concatenate(*pieces),
        images=draws,
        pictures=_pictures(draws, payload_bytes),
        arrivals=arrivals,
        board_s=board_s,
        payload_bytes=payload_bytes,
        warm_s=warm_s,
        piece_s=piece_s,
    )


def paced(
    link: LinkTrace, *, board_s: float, payload_bytes: int, count: int, interval_s: float, seed: int
) -> Course:
    """Images one after the other, in slots `interval_s` apart, all of which count."""
    rng = random.Random(f"{seed}/paced")
    drawn = draw_images(
        count, arrivals="closed", board_s=board_s, payload_bytes=payload_bytes, server_s=0.0, rng=rng
    )
    images = tuple(replace(draw, slot_s=interval_s * number) for number, draw in enumerate(drawn))
    return Course(
        link=link,
        images=images,
        pictures=_pictures(images, payload_bytes),
        arrivals="closed",
        board_s=board_s,
        payload_bytes=payload_bytes,
        warm_s=0.0,
        piece_s=math.inf,
    )


def _pictures(draws: Sequence[Draw], payload_bytes: int) -> tuple[bytes, ...]:
    """For each image the one of a few pictures whose size is nearest."""
    normal = NormalDist()
    shares = ((number + 0.5) / _PALETTE for number in range(_PALETTE))
    palette = [_picture_of(round(payload_bytes * math.exp(0.3 * normal.inv_cdf(share)))) for share in shares]
    return tuple(min(palette, key=lambda jpeg: abs(len(jpeg) - draw.size_bytes)) for draw in draws)


@cache
def _picture_of(size_bytes: int) -> bytes:
    """A photograph, as large as makes a JPEG of about this many bytes."""
    photograph = Image.fromarray(camera_frame(1024, 768))
    side_px = 256.0
    for _ in range(4):
        stream = BytesIO()
        photograph.resize((round(side_px), round(side_px))).save(stream, "JPEG", quality=_JPEG_QUALITY)
        side_px *= (size_bytes / stream.tell()) ** 0.6
    return stream.getvalue()
