"""The servers of the planner's source, with capacities and prices, and a device's demand. Constants only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_planner.geography import FloatArray, IntArray

__all__ = [
    "DEMAND_CORES",
    "DEMAND_RAM_MB",
    "EDGE_KINDS",
    "MUNICIPAL",
    "ON_DEMAND_KINDS",
    "TRUNK_BPS",
    "UPLINK_BPS",
    "Hardware",
    "columns",
]

DEMAND_CORES, DEMAND_RAM_MB = 8.0, 1600.0
UPLINK_BPS, TRUNK_BPS = 10e9, 1e12
_MB_PER_GB = 1024.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """One kind of server."""

    name: str
    cores: float
    ram_mb: float
    usd_per_h: float


def _hardware(name: str, cores: float, ram_gb: float, usd_per_h: float) -> Hardware:
    return Hardware(name=name, cores=cores, ram_mb=ram_gb * _MB_PER_GB, usd_per_h=usd_per_h)


EDGE_KINDS = (
    _hardware("I8380", 40, 256, 0.1134),
    _hardware("I6314U4", 32, 256, 0.0861),
    _hardware("I4314", 24, 256, 0.0567),
    _hardware("I4309Y", 8, 256, 0.0441),
)
MUNICIPAL = _hardware("municipal", 96, 8192, 0.504)
ON_DEMAND_KINDS = (
    _hardware("m6a.48xlarge", 192, 768, 9.6768),
    _hardware("m5.24xlarge", 96, 384, 5.376),
    _hardware("m6g.12xlarge", 48, 192, 2.1504),
)


def columns(kinds: tuple[Hardware, ...], which: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return cores, megabytes and dollars an hour of servers that are of the kinds `which`."""
    table = np.array([(kind.cores, kind.ram_mb, kind.usd_per_h) for kind in kinds])
    cores, ram_mb, usd_per_h = table[which].T.copy()
    return cores, ram_mb, usd_per_h
