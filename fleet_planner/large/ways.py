"""From servers to paths: by which edge server and links a device gets to its server, which is given.

Paths are the quickest that links have room for; devices with the fewest edge servers in range choose first.
"""

from __future__ import annotations

import numpy as np

from fleet_planner.geography import BoolArray, IntArray
from fleet_planner.large.inner import Inner, inner
from fleet_planner.network import Network
from fleet_planner.routes import Routes

__all__ = ["ways"]

_ROUNDING = 1e-9


def ways(network: Network, device: IntArray, server: IntArray, active: BoolArray | None = None) -> Routes:
    """Return the paths of devices that are served by `server` (-1: by nobody).

    They lead by servers that are `active`, and by others only where they must. A device for which no link has room
    is left out.
    """
    edges = len(network.instance.edges)
    routes = Routes.none(len(network.device_class), max(len(network.instance.clouds) - 1, 0))
    at_edge = np.flatnonzero((server >= 0) & (server < edges))
    wanted = device[at_edge] * np.int64(edges) + server[at_edge]
    routes.attachment[device[at_edge]] = np.searchsorted(network.device * np.int64(edges) + network.edge, wanted)
    in_cloud = np.flatnonzero(server >= edges)
    in_cloud = in_cloud[np.argsort(network.in_range[device[in_cloud]], kind="stable")]
    if len(in_cloud):
        room = _Room(network)
        nets = ([inner(network, active)] if active is not None else []) + [inner(network)]
        on = np.ones(edges + len(network.instance.clouds), bool)
        for row in in_cloud.tolist():
            for each, among in zip(nets, (active, on) if active is not None else (on,), strict=True):
                if room.lead(int(device[row]), int(server[row]) - edges, each, among, routes):
                    break
    return routes


class _Room:
    """What links still have to give, in bits a second."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._uplink = network.instance.uplinks.bandwidth_bps * (1 + _ROUNDING)
        self._trunk = network.instance.trunks.bandwidth_bps * (1 + _ROUNDING)

    def lead(self, device: int, cloud: int, net: Inner, active: BoolArray, routes: Routes) -> bool:
        """Lead a device to a cloud if there is a way with room; say whether."""
        network = self._network
        arcs = np.arange(network.start[device], network.start[device + 1])
        arcs = arcs[active[network.edge[arcs]]]
        kind, edge = network.device_class[device], network.edge[arcs]
        need = network.class_bandwidth_bps[kind]
        uplink, trunk = net.uplink[kind, edge, cloud], net.trunk[kind, edge, cloud]
        taken_s = network.attach_s[arcs] + net.delay_s[kind, edge, cloud]
        full = self._uplink[uplink] < need
        if trunk.size and len(self._trunk):
            full |= ((self._trunk[trunk] < need) & (trunk >= 0)).any(axis=1)
        taken_s = np.where(full, np.inf, taken_s)
        if not np.isfinite(taken_s).any():
            return False
        best = int(np.argmin(taken_s))
        routes.attachment[device], routes.uplink[device] = arcs[best], uplink[best]
        routes.trunk[device] = trunk[best]
        self._uplink[uplink[best]] -= need
        self._trunk[trunk[best][trunk[best] >= 0]] -= need
        return True
