"""A fleet: devices, edge servers, clouds and the links between them, as arrays. No files, technology or solver.

Structures of arrays, so that 100,000 devices take megabytes. Positions in the arrays are the identity inside the
planner; `ids` name them outside.
"""

from __future__ import annotations

from dataclasses import dataclass

from fleet_planner.geography import FloatArray, IntArray

__all__ = ["PAYLOAD_BYTES", "Devices", "Instance", "Links", "Servers"]

PAYLOAD_BYTES = 500_000.0  # reproduces the source's published delays


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """What asks to be served. `cores` and `ram_mb` are taken from the one server that serves the device."""

    ids: tuple[str, ...]
    lat_deg: FloatArray
    lon_deg: FloatArray
    cores: FloatArray
    ram_mb: FloatArray

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """What serves. `usd_per_h` is paid while the server is active; `urls` say where devices find it."""

    ids: tuple[str, ...]
    lat_deg: FloatArray
    lon_deg: FloatArray
    cores: FloatArray
    ram_mb: FloatArray
    usd_per_h: FloatArray
    urls: tuple[str | None, ...]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Directed links by the positions of their ends, each with the bandwidth that all devices share."""

    tail: IntArray
    head: IntArray
    bandwidth_bps: FloatArray

    def __len__(self) -> int:
        return len(self.tail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One planning problem, without the technology.

    `uplinks` lead from edge servers to clouds (A_e), `trunks` from cloud to cloud (A_c). Ids are unique over all
    servers, and over all devices.
    """

    devices: Devices
    edges: Servers
    clouds: Servers
    uplinks: Links
    trunks: Links
    payload_bytes: float = PAYLOAD_BYTES
