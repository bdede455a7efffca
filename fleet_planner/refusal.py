"""Who is not served, and why. Judges a finished plan; solves nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from fleet_planner.geography import haversine_m
from fleet_planner.network import Network
from fleet_planner.routes import Routes

__all__ = ["Reason", "Refusal", "refusals"]

Reason: TypeAlias = Literal["out of range", "no capacity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A device (its position) that is not served.

    `out of range`: no edge server's circle covers it. `no capacity`: some do, but serving it would leave another
    device without. `nearest_m` is the distance to the nearest edge server, None when there are none.
    """

    device: int
    reason: Reason
    nearest_m: float | None


def refusals(network: Network, routes: Routes) -> Iterator[Refusal]:
    """Yield every device that is not served, in their order."""
    devices, edges = network.instance.devices, network.instance.edges
    for device in np.flatnonzero(routes.attachment < 0).tolist():
        distances_m = haversine_m(devices.lat_deg[device], devices.lon_deg[device], edges.lat_deg, edges.lon_deg)
        yield Refusal(
            device=device,
            reason="no capacity" if network.in_range[device] else "out of range",
            nearest_m=float(distances_m.min()) if len(edges) else None,
        )
