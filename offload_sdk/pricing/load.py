"""The work that a service is to do, and how its units are switched on and off. No prices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from offload_sdk.errors import ConfigurationError
from offload_sdk.pricing.platform import Platform

__all__ = [
    "HOURS_PER_MONTH",
    "Load",
    "Operation",
    "Running",
    "Scaling",
    "running",
    "unit_capacity",
    "units_needed",
]

HOURS_PER_MONTH = 730.0
"""365 days of 24 hours in 12 months, as the cloud's own calculators count."""

_S_PER_H = 3600.0
_LEAST, _MOST = 1e-9, 1e9
_DAYS_PER_MONTH = HOURS_PER_MONTH / 24.0

Scaling = Literal["fixed", "auto", "zero"]
"""`fixed`: the units of the busy hours run always. `auto`: outside those hours one unit is left. `zero`: none runs
once no image has come for a while."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Images come as a Poisson process of `images_per_s` while the cameras are on: `hours_per_day` in one piece.

    `service_s` is the time for which an image occupies one vCPU. `sent_bytes` go up for an image and
    `received_bytes` come back. Raises `ConfigurationError` for what is no load.
    """

    images_per_s: float
    service_s: float
    hours_per_day: float = 24.0
    sent_bytes: float = 37_000.0
    received_bytes: float = 1_000.0

    def __post_init__(self) -> None:
        for name in ("images_per_s", "service_s", "hours_per_day"):
            value = getattr(self, name)
            if not _LEAST <= value <= _MOST:
                raise ConfigurationError(f"{name} must be from {_LEAST:g} to {_MOST:g}, not {value:g}")
        if self.hours_per_day > 24.0:
            raise ConfigurationError(f"a day has no {self.hours_per_day} hours")

    @property
    def active_h(self) -> float:
        """Hours of a month in which images come."""
        return HOURS_PER_MONTH * self.hours_per_day / 24.0

    @property
    def images_per_month(self) -> float:
        return self.images_per_s * self.active_h * _S_PER_H


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`utilisation_frac` of its vCPUs is what a unit is to be loaded with. After `idle_s` without need it goes.

    The default of `idle_s` is what target tracking takes: its scale-in alarm waits for 15 minutes
    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-autoscaling-targettracking.html).
    """

    scaling: Scaling = "auto"
    utilisation_frac: float = 0.7
    idle_s: float = 900.0

    def __post_init__(self) -> None:
        if not 0.0 < self.utilisation_frac <= 1.0:
            raise ConfigurationError(f"utilisation must be above 0 and at most 1, not {self.utilisation_frac}")
        if not 60.0 <= self.idle_s < math.inf:
            raise ConfigurationError(f"a unit is switched off after a minute at the earliest, not {self.idle_s} s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What runs in a month: at most `units` at once, `unit_h` hours of one unit in all, starting included."""

    units: int
    unit_h: float
    starts: float


def unit_capacity(platform: Platform, load: Load, operation: Operation) -> float:
    """Return the images a second that one unit is loaded with at most."""
    return platform.vcpus * operation.utilisation_frac / load.service_s


def units_needed(platform: Platform, load: Load, operation: Operation) -> int:
    """Return how many units the busy hours need: at least one."""
    return max(1, math.ceil(load.images_per_s / unit_capacity(platform, load, operation)))


def running(platform: Platform, load: Load, operation: Operation) -> Running:
    """Return what runs in a month.

    A unit that goes after T seconds without an image, and needs S to start, is on for S + (exp(rT) - 1)/r and then
    off for 1/r on the average, if images come as a Poisson process of rate r: the busy period of the M/D/∞ queue
    (https://en.wikipedia.org/wiki/M/G/infinity_queue), which starts once the unit has. Units above the first are
    taken as on all the busy hours: they are needed only where images come much more often than every T.
    """
    units = units_needed(platform, load, operation)
    if platform.terms == "committed" or operation.scaling == "fixed":
        return Running(units=units, unit_h=units * HOURS_PER_MONTH, starts=0.0)
    # What is on at the end of the busy hours stays on for another idle_s.
    tail_h = min(_DAYS_PER_MONTH * operation.idle_s / _S_PER_H, HOURS_PER_MONTH - load.active_h)
    busy_h = load.active_h + tail_h
    if operation.scaling == "auto":
        return Running(units=units, unit_h=HOURS_PER_MONTH + (units - 1) * busy_h, starts=0.0)
    silence = math.exp(-load.images_per_s * operation.idle_s)
    off_frac = silence / (1.0 + load.images_per_s * platform.start_s * silence)
    mornings = 0.0 if load.hours_per_day == 24.0 else _DAYS_PER_MONTH * (1.0 - off_frac)
    starts = load.images_per_month * off_frac + mornings
    return Running(units=units, unit_h=(units - off_frac) * busy_h, starts=starts)
