"""How every device is served, as arrays, and what that costs. The measure of all models; it knows none of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_planner.geography import FloatArray, IntArray
from fleet_planner.network import SERVE_S, Network

__all__ = ["Routes", "active", "cost_usd_per_h", "delays_s", "serving"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """One path a device: `attachment` is a position in the network's `edge`, -1 for a device that is not served.

    `uplink` is -1 where the edge server serves. `trunk` (devices × steps) lists further links, -1 after the last.
    """

    attachment: IntArray
    uplink: IntArray
    trunk: IntArray

    @classmethod
    def none(cls, devices: int, steps: int) -> Routes:
        """Return routes that serve nobody yet, to be filled in."""
        return cls(
            attachment=np.full(devices, -1),
            uplink=np.full(devices, -1, np.int32),
            trunk=np.full((devices, steps), -1, np.int32),
        )

    @property
    def served(self) -> IntArray:
        """The positions of the devices that are served."""
        return np.flatnonzero(self.attachment >= 0)


def serving(network: Network, routes: Routes) -> IntArray:
    """Return who serves each device: an edge server's position, or a cloud's after those; -1: nobody."""
    edges, uplinks, trunks = len(network.instance.edges), network.instance.uplinks, network.instance.trunks
    server = np.full(len(routes.attachment), -1)
    server[routes.served] = network.edge[routes.attachment[routes.served]]
    for link, heads in ((routes.uplink, uplinks.head), *((step, trunks.head) for step in routes.trunk.T)):
        on = link >= 0
        server[on] = edges + heads[link[on]]
    return server


def active(network: Network, routes: Routes) -> IntArray:
    """Return the servers that serve or forward, numbered as in `serving`."""
    uplinks, trunks = network.instance.uplinks, network.instance.trunks
    edges = len(network.instance.edges)
    on_path = [
        network.edge[routes.attachment[routes.served]],
        edges + uplinks.head[routes.uplink[routes.uplink >= 0]],
    ]
    on_path += [edges + trunks.head[step[step >= 0]] for step in routes.trunk.T]
    return np.unique(np.concatenate(on_path))


def cost_usd_per_h(network: Network, routes: Routes) -> float:
    """Return (15) without its penalty: the price of every server on a path."""
    prices = np.concatenate((network.instance.edges.usd_per_h, network.instance.clouds.usd_per_h))
    return float(prices[active(network, routes)].sum())


def delays_s(network: Network, routes: Routes) -> FloatArray:
    """Return each device's share of (16) without its penalty; NaN for a device that is not served."""
    found = np.full(len(routes.attachment), np.nan)
    served, kind = routes.served, network.device_class
    found[served] = network.attach_s[routes.attachment[served]] + SERVE_S
    for link, taken_s in (
        (routes.uplink, network.uplink_s),
        *((step, network.trunk_s) for step in routes.trunk.T),
    ):
        on = np.flatnonzero(link >= 0)
        found[on] += taken_s[kind[on], link[on]]
    return found
