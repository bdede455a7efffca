"""What every policy meets alike: link, server, and each image's arrival, size and times. No decisions."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Literal

from offload_sdk.testing import LinkTrace

__all__ = ["HEADER_BYTES", "Arrivals", "Draw", "Scene", "World", "draw_images"]

Arrivals = Literal["closed", "open", "periodic", "bursts", "camera"]
HEADER_BYTES = 500  # of a request: headers and the form around the image
_LOCAL_SPREAD = 0.05
_SERVER_SPREAD = 0.05
_SIZE_SPREAD = 0.3
_RATE_PER_S = 2.0
_CAMERA_PER_S = 10.0
_BURST = 8
_BURST_GAP_S = 0.05
_JITTER = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """How hard the server and the device are pressed; by default not at all.

    The server takes `server_s` for a request and has `server_workers` (None: one for each request), of which
    requests of other clients keep the share `server_load_frac` busy in the mean. While an upload leaves, computing
    on the device takes `contention` times as long. A ping takes `ping_s` beside its round trip.
    """

    server_s: float = 0.012
    server_workers: int | None = None
    server_load_frac: float = 0.0
    contention: float = 1.0
    ping_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One image. In a closed loop `slot_s` is when it may start at the earliest, else when it arrives."""

    slot_s: float
    size_bytes: int
    local_s: float
    server_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A link from `origin_s` of its trace on, and the images. Times of the images count from 0.

    `duplicates_frac` is the share of images on which both sides may work, for policies that keep a budget.
    """

    link: LinkTrace
    origin_s: float
    images: tuple[Draw, ...]
    arrivals: Arrivals
    board_s: float
    payload_bytes: int
    deadline_s: float
    duplicates_frac: float
    seed: int
    world: World = World()


def _log_normal(rng: random.Random, mean: float, spread: float) -> float:
    """A positive draw with this mean and this standard deviation as a share of it."""
    variance = math.log1p(spread * spread)
    return mean * math.exp(rng.gauss(-0.5 * variance, math.sqrt(variance)))


def draw_images(
    count: int, *, arrivals: Arrivals, board_s: float, payload_bytes: int, server_s: float, rng: random.Random
) -> tuple[Draw, ...]:
    """Draw `count` images: sizes with 30 % spread, times of computing with 5 %, all log-normal.

    `closed`: slots half a second apart. `open`: a Poisson process of 2/s. `periodic`: 2/s, ± 20 % of a period.
    `bursts`: eight images 50 ms apart, 2/s in the mean. `camera`: a frame every 0.1 s.
    """
    images: list[Draw] = []
    clock_s = 0.0
    for number in range(count):
        if arrivals == "closed":
            slot_s = number / _RATE_PER_S
        elif arrivals == "camera":
            slot_s = number / _CAMERA_PER_S
        elif arrivals == "periodic":
            slot_s = (number + rng.uniform(0.0, _JITTER)) / _RATE_PER_S
        elif arrivals == "open":
            clock_s += rng.expovariate(_RATE_PER_S)
            slot_s = clock_s
        else:
            pause_s = _BURST / _RATE_PER_S - _BURST_GAP_S * (_BURST - 1)
            clock_s += _BURST_GAP_S if number % _BURST else rng.expovariate(1.0 / pause_s)
            slot_s = clock_s
        images.append(
            Draw(
                slot_s=slot_s,
                size_bytes=max(int(_log_normal(rng, payload_bytes, _SIZE_SPREAD)), 1),
                local_s=_log_normal(rng, board_s, _LOCAL_SPREAD),
                server_s=_log_normal(rng, server_s, _SERVER_SPREAD) if server_s > 0.0 else 0.0,
            )
        )
    return tuple(images)
