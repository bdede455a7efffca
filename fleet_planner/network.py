"""An instance under one scenario: who reaches whom, and how long every hop takes. What both models are made of.

Devices of the same technology and demand form a class; inside the network only the class counts, so delays between
servers are kept by class. No model and no solver here.

Delay of a hop, after the source: (transmission + distance / 2e8 m/s) times a factor from 0.8 to 1.2. A server
takes 5 ms to serve and 0.002 ms to forward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_planner.geography import FloatArray, IntArray, haversine_m, within
from fleet_planner.instance import Instance, Links, Servers
from fleet_planner.jitter import jitter, keys
from fleet_planner.technology import Technology, scenario

__all__ = ["FORWARD_S", "PROPAGATION_M_PER_S", "SERVE_S", "Network", "network"]

SERVE_S, FORWARD_S = 5e-3, 2e-6
PROPAGATION_M_PER_S = 2e8


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The devices' arcs by rows (CSR), and the links inside by class.

    Device i may attach to the edge servers `edge[start[i]:start[i + 1]]` (A_s), ascending, at `attach_s` each. It
    is of class `device_class[i]`; the class's technology, cores, megabytes and bandwidth stand in `class_…`.
    `uplink_s` and `trunk_s` have a row a class and a column a link, forwarding at the link's tail included.
    """

    instance: Instance
    scenario: str
    start: IntArray
    edge: IntArray
    attach_s: FloatArray
    device_class: IntArray
    class_technology: tuple[Technology, ...]
    class_cores: FloatArray
    class_ram_mb: FloatArray
    class_bandwidth_bps: FloatArray
    uplink_s: FloatArray
    trunk_s: FloatArray

    @property
    def device(self) -> IntArray:
        """The device of every attachment, beside `edge`."""
        return np.repeat(np.arange(len(self.device_class), dtype=np.int32), np.diff(self.start))

    @property
    def in_range(self) -> IntArray:
        """How many edge servers each device reaches."""
        return np.diff(self.start)


def network(instance: Instance, name: str, *, seed: int = 0, link_rates: bool = False) -> Network:
    """Lay the scenario `name` (`2G` … `6G`, `mbd`) over an instance.

    A hop between servers transmits at the rate of the device's technology, as in the source's figures, or with
    `link_rates` at the link's own bandwidth.
    """
    devices, edges = instance.devices, instance.edges
    choices = scenario(name)
    technology = np.full(len(devices), -1)
    rows: list[tuple[IntArray, IntArray, FloatArray]] = []
    for index, choice in enumerate(choices):
        left = np.flatnonzero(technology < 0)
        reach = within(devices.lat_deg[left], devices.lon_deg[left], edges.lat_deg, edges.lon_deg, choice.radius_m)
        technology[left[reach.count > 0]] = index
        rows.append((np.repeat(left, reach.count), reach.place, reach.distance_m))
    technology[technology < 0] = len(choices) - 1  # reaches nobody by the slowest one either
    device, edge, distance_m = (np.concatenate(each) for each in zip(*rows, strict=True))
    if len(choices) > 1:
        order = np.argsort(device, kind="stable")
        device, edge, distance_m = device[order], edge[order], distance_m[order]
    demands, device_class = np.unique(
        np.column_stack((technology, devices.cores, devices.ram_mb)), axis=0, return_inverse=True
    )
    used = tuple(choices[int(index)] for index in demands[:, 0])
    send_s = np.array([each.rate_bps for each in choices])
    send_s = 8.0 * instance.payload_bytes / send_s
    device_keys = keys([f"device {each}" for each in devices.ids], seed)
    edge_keys = keys([f"server {each}" for each in edges.ids], seed)
    cloud_keys = keys([f"server {each}" for each in instance.clouds.ids], seed)
    attach_s = (send_s[technology[device]] + distance_m / PROPAGATION_M_PER_S) * jitter(
        device_keys[device], edge_keys[edge]
    )
    inner = [
        _between(links, tails, instance.clouds, instance, used, link_rates)
        * jitter(tail_keys[links.tail], cloud_keys[links.head])
        + FORWARD_S
        for links, tails, tail_keys in (
            (instance.uplinks, edges, edge_keys),
            (instance.trunks, instance.clouds, cloud_keys),
        )
    ]
    return Network(
        instance=instance,
        scenario=name,
        start=np.concatenate(([0], np.cumsum(np.bincount(device, minlength=len(devices))))),
        edge=edge,
        attach_s=attach_s,
        device_class=device_class.reshape(-1).astype(np.int32),
        class_technology=used,
        class_cores=demands[:, 1],
        class_ram_mb=demands[:, 2],
        class_bandwidth_bps=np.array([each.rate_bps for each in used]),
        uplink_s=inner[0],
        trunk_s=inner[1],
    )


def _between(
    links: Links,
    tails: Servers,
    heads: Servers,
    instance: Instance,
    used: tuple[Technology, ...],
    link_rates: bool,
) -> FloatArray:
    """Transmission and propagation over links between servers: a row a class."""
    distance_m = haversine_m(
        tails.lat_deg[links.tail], tails.lon_deg[links.tail], heads.lat_deg[links.head], heads.lon_deg[links.head]
    )
    rate_bps = (
        np.broadcast_to(links.bandwidth_bps, (len(used), len(links)))
        if link_rates
        else np.array([each.rate_bps for each in used]).reshape(-1, 1)
    )
    taken: FloatArray = 8.0 * instance.payload_bytes / rate_bps + distance_m / PROPAGATION_M_PER_S
    return taken
