"""Every device that reaches anybody against every server that may serve it: what being served there takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fleet_planner.capacity import server_slots
from fleet_planner.geography import BoolArray, IntArray
from fleet_planner.large.inner import Inner, inner
from fleet_planner.network import SERVE_S, Network
from fleet_planner.routes import Routes
from offload_sdk.errors import ConfigurationError

__all__ = ["ROWS", "Float32Array", "Matrix", "matrix"]

Float32Array: TypeAlias = NDArray[np.float32]
ROWS = 4096  # at a time, so that what is computed from the matrix stays small


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """`delay_s` is devices × (edge servers, then clouds), inf where the one cannot be served by the other.

    A row stands for `device`. `slots` says how many devices each server holds.
    """

    network: Network
    inner: Inner
    device: IntArray
    delay_s: Float32Array
    slots: IntArray

    def routes(self, server: IntArray, active: BoolArray | None = None) -> Routes:
        """Return the paths of rows that are served by `server` (-1: by nobody), each the quickest to it.

        Devices whose server is a cloud go by edge servers that are `active`, if they reach one.
        """
        network, inner = self.network, self.inner
        edges = len(network.instance.edges)
        routes = Routes.none(len(network.device_class), inner.trunk.shape[-1])
        at_edge = np.flatnonzero((server >= 0) & (server < edges))
        device = self.device[at_edge]
        width = len(network.instance.edges)
        wanted = device * width + server[at_edge]
        routes.attachment[device] = np.searchsorted(network.device * np.int64(width) + network.edge, wanted)
        for row in np.flatnonzero(server >= edges):
            device, cloud = self.device[row], server[row] - edges
            arcs = np.arange(network.start[device], network.start[device + 1])
            kind, edge = network.device_class[device], network.edge[arcs]
            taken_s = network.attach_s[arcs] + inner.delay_s[kind, edge, cloud]
            if active is not None and np.isfinite(taken_s[active[edge]]).any():
                taken_s = np.where(active[edge], taken_s, np.inf)
            best = int(np.argmin(taken_s))
            routes.attachment[device] = arcs[best]
            routes.uplink[device] = inner.uplink[kind, edge[best], cloud]
            routes.trunk[device] = inner.trunk[kind, edge[best], cloud]
        return routes


def matrix(network: Network) -> Matrix:
    """Build it. Raises `ConfigurationError` where devices ask for different capacities."""
    slots = server_slots(network)
    if slots is None:
        raise ConfigurationError(
            "so large a fleet can be planned only if all devices ask for the same cores and memory; "
            "give them the largest demand, or plan regions one by one"
        )
    ways = inner(network)
    device = np.flatnonzero(network.in_range)
    row = np.full(len(network.device_class), -1)
    row[device] = np.arange(len(device))
    edges, clouds = len(network.instance.edges), len(network.instance.clouds)
    delay_s = np.full((len(device), edges + clouds), np.inf, np.float32)
    for first in range(0, len(device), ROWS):
        some = device[first : first + ROWS]
        arcs = slice(network.start[some[0]], network.start[some[-1] + 1])
        owner = np.repeat(np.arange(len(some)), network.in_range[some])
        edge, attach_s = network.edge[arcs], network.attach_s[arcs]
        delay_s[first + owner, edge] = attach_s + SERVE_S
        begin = network.start[some] - arcs.start
        inside_s = ways.delay_s[network.device_class[some[owner]], edge]
        delay_s[first : first + len(some), edges:] = (
            np.minimum.reduceat(attach_s[:, None] + inside_s, begin, axis=0) + SERVE_S
        )
    delay_s[:, slots < 1.0] = np.inf
    return Matrix(network=network, inner=ways, device=device, delay_s=delay_s, slots=slots.astype(np.int64))
