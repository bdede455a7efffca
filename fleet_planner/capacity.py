"""What servers and links can hold, counted in devices where that is exact. Pure."""

from __future__ import annotations

import numpy as np

from fleet_planner.geography import BoolArray, FloatArray
from fleet_planner.network import Network

__all__ = ["link_slots", "server_slots", "trunk_may_bind", "uplink_may_bind"]

_ROUNDING = 1e-9


def server_slots(network: Network) -> FloatArray | None:
    """Return how many devices each server holds, edge servers first; None where demands differ."""
    edges, clouds = network.instance.edges, network.instance.clouds
    count = len(network.device_class)
    if len(np.unique(np.column_stack((network.class_cores, network.class_ram_mb)), axis=0)) > 1:
        return None
    slots = np.full(len(edges) + len(clouds), float(count))
    for need, capacity in (
        (network.class_cores, np.concatenate((edges.cores, clouds.cores))),
        (network.class_ram_mb, np.concatenate((edges.ram_mb, clouds.ram_mb))),
    ):
        if count and need[0] > 0.0:
            slots = np.minimum(slots, np.floor(capacity / need[0] * (1 + _ROUNDING)))
    return slots


def link_slots(network: Network, bandwidth_bps: FloatArray) -> FloatArray:
    """Return how many devices of each class (rows) a link alone can carry."""
    count = np.floor(bandwidth_bps / network.class_bandwidth_bps[:, None] * (1 + _ROUNDING))
    return np.minimum(count, float(len(network.device_class)))


def uplink_may_bind(network: Network) -> BoolArray:
    """Return for each uplink whether all devices in range of its tail could exceed it."""
    bandwidth_bps = network.class_bandwidth_bps[network.device_class[network.device]]
    possible = np.bincount(network.edge, bandwidth_bps, minlength=len(network.instance.edges))
    uplinks = network.instance.uplinks
    return possible[uplinks.tail] > uplinks.bandwidth_bps * (1 + _ROUNDING)


def trunk_may_bind(network: Network) -> BoolArray:
    """Return for each trunk whether all devices that reach anybody could exceed it."""
    possible = float(network.class_bandwidth_bps[network.device_class[network.in_range > 0]].sum())
    return network.instance.trunks.bandwidth_bps * (1 + _ROUNDING) < possible
