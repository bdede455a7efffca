"""One image sent once to one target: what was measured of it. The unit that is kept, and never measured twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from offload_sdk._types import EnergySource

__all__ = ["Key", "Measurement", "PayloadKind"]

PayloadKind = Literal["sdk", "original"]
"""How the image goes to a server: as the SDK sends it, or the file's own bytes. The device has only `sdk`."""


class Key(NamedTuple):
    """What makes a measurement itself: the same key is measured once."""

    run: int
    image: str
    target: str
    payload: PayloadKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """`run` counts from 1; `image` is the file's path below the folder of images, with forward slashes.

    `began_wall_s` is Unix time. `latency_s` runs from the file's name to the answer, or to the failure; decoding
    and encoding on the device are in it. `failure` is the kind of a failed exchange, in one word, and None where
    there was an answer. `position` is the measurement's place in its run, from 0: the order was drawn by chance.
    """

    run: int
    image: str
    target: str
    payload: PayloadKind
    position: int
    began_wall_s: float
    latency_s: float
    failure: str | None = None
    image_bytes: int
    sent_bytes: int = 0
    received_bytes: int = 0
    server_s: float | None = None
    energy_j: float | None = None
    energy_source: EnergySource = "unknown"
    label: str | None = None
    model: str | None = None

    @property
    def key(self) -> Key:
        return Key(self.run, self.image, self.target, self.payload)
