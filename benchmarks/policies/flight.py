"""What is under way in the simulation: an image, and an upload. Data only; the engine changes it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from benchmarks.policies.contender import Attempt, Plan
from benchmarks.policies.scene import Draw
from offload_sdk.measure.probe_schedule import Probe

__all__ = ["Flight", "Upload"]


@dataclass(slots=True, eq=False)
class Flight:
    """An image from its arrival until both sides are done with it. `least_s`: see `Answer`.

    `local_since_s` is when it joined the device's queue, `local_began_s` when the device took it up.
    """

    index: int
    draw: Draw
    started_s: float
    plan: Plan
    least_s: float
    local_since_s: float | None = None
    local_began_s: float | None = None
    upload: Upload | None = None
    attempts: list[Attempt] = field(default_factory=list)
    answered: bool = False


@dataclass(slots=True, eq=False)
class Upload:
    """A request or a probe. `service_s` is what the server needs for it, `server_s` that and its queue.

    `sending_s` and `left_s` are when its first byte entered the link and its last one left; `reaches_s` is when
    the server has it all.
    """

    flight: Flight | None
    size_bytes: int
    service_s: float
    started_s: float
    connect_s: float | None
    probe: Probe | None = None
    sending_s: float | None = None
    left_s: float | None = None
    reaches_s: float = math.inf
    server_s: float = 0.0
    ended: bool = False
