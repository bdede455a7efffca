"""The radio technologies of the planner's source, and the scenarios made of them. Constants; no geometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from offload_sdk.errors import ConfigurationError

__all__ = ["MIXED", "TECHNOLOGIES", "Technology", "scenario"]

MIXED = "mbd"
_MBPS = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Technology:
    """A mean rate in bits a second, which is also the bandwidth that a device takes, and a radius in metres."""

    name: str
    rate_bps: float
    radius_m: float


TECHNOLOGIES: Mapping[str, Technology] = MappingProxyType(
    {
        name: Technology(name=name, rate_bps=rate_bps, radius_m=radius_m)
        for name, rate_bps, radius_m in (
            ("1G", 2 / 1024 * _MBPS, 20_000.0),
            ("2G", 40 / 1024 * _MBPS, 10_000.0),
            ("3G", 1 * _MBPS, 5_000.0),
            ("4G", 10 * _MBPS, 3_000.0),
            ("5G", 120 * _MBPS, 600.0),
            ("6G", 1000 * _MBPS, 320.0),
        )
    }
)


def scenario(name: str) -> tuple[Technology, ...]:
    """Return the technologies at the devices' choice, the fastest first.

    A single technology is used by all; `mbd` lets every device use the fastest of 2G to 6G that covers it.
    """
    if name.lower() == MIXED:
        return tuple(TECHNOLOGIES[each] for each in ("6G", "5G", "4G", "3G", "2G"))
    if name.upper() in TECHNOLOGIES:
        return (TECHNOLOGIES[name.upper()],)
    raise ConfigurationError(f"the technology {name!r} is none of {', '.join(TECHNOLOGIES)} and {MIXED}")
