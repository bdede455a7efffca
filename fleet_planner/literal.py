"""The source's own formulation, (1) to (16), variable by variable: what the reduced one is held against.

Its size is that of devices times servers, so it is for comparison and for small instances. No solver here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from fleet_planner.geography import FloatArray, IntArray
from fleet_planner.instance import Links
from fleet_planner.network import SERVE_S, Network
from fleet_planner.program import Builder, Program
from fleet_planner.routes import Routes

__all__ = ["LiteralModel", "literal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiteralModel:
    """The program, and which of its columns say how a device is served."""

    program: Program
    network: Network
    attach: IntArray
    forward: IntArray
    forward_attachment: IntArray
    forward_uplink: IntArray
    trunk: IntArray

    def routes(self, x: FloatArray) -> Routes:
        """Read the devices' paths from a solution."""
        network = self.network
        trunks, depth = network.instance.trunks, len(network.instance.clouds)
        found = Routes.none(len(network.device_class), depth)
        taken = np.flatnonzero(x[self.attach] > 0.5)
        found.attachment[network.device[taken]] = taken
        sent = x[self.forward] > 0.5
        device = network.device[self.forward_attachment[sent]]
        found.uplink[device] = self.forward_uplink[sent]
        for each in device.tolist():
            left = set(np.flatnonzero(x[self.trunk[each]] > 0.5).tolist())
            place, step = int(network.instance.uplinks.head[found.uplink[each]]), 0
            while onward := [link for link in left if trunks.tail[link] == place]:
                found.trunk[each, step] = onward[0]
                left.discard(onward[0])
                place, step = int(trunks.head[onward[0]]), step + 1
        return found


def literal(network: Network, objective: Literal["cost", "delay"], *, penalty: float) -> LiteralModel:
    """Build (1)–(14) with (15) for `cost` or (16) for `delay`; `penalty` is M."""
    instance, device, edge = network.instance, network.device, network.edge
    edges, clouds, uplinks, trunks = instance.edges, instance.clouds, instance.uplinks, instance.trunks
    count, arcs, heads = len(instance.devices), len(edge), len(clouds)
    by_class = network.device_class
    cores, ram_mb = network.class_cores[by_class], network.class_ram_mb[by_class]
    bandwidth_bps = network.class_bandwidth_bps[by_class]
    attachment, uplink = _onward(edge, uplinks, len(edges))
    by_cost = objective == "cost"

    model = Builder()
    serve_s, zero = (0.0, 0.0) if by_cost else (SERVE_S, 1.0)
    # M (1 - w_s): the constant goes to the offset.
    w = model.columns(count, upper=1.0, integer=True, cost=-penalty)
    z_e = model.columns(len(edges), upper=1.0, integer=True, cost=edges.usd_per_h * by_cost)
    z_c = model.columns(heads, upper=1.0, integer=True, cost=clouds.usd_per_h * by_cost)
    y_e = model.columns(arcs, upper=1.0, integer=True, cost=serve_s)
    y_c = model.columns(count * heads, upper=1.0, integer=True, cost=serve_s).reshape(count, heads)
    x_e = model.columns(arcs, upper=1.0, integer=True, cost=network.attach_s * zero)
    x_ec = model.columns(
        len(uplink), upper=1.0, integer=True, cost=network.uplink_s[by_class[device[attachment]], uplink] * zero
    )
    x_cc = model.columns(
        count * len(trunks), upper=1.0, integer=True, cost=network.trunk_s[by_class].ravel() * zero
    ).reshape(count, len(trunks))
    every = np.arange(count)[:, None]

    row = model.rows(count, lower=0.0, upper=0.0)  # (1)
    model.put(row[device], y_e)
    model.put(row[every], y_c)
    model.put(row, w, -1.0)
    for servers, z, demand, place, serves in (  # (2) to (5)
        (edges, z_e, device, edge, y_e),
        (clouds, z_c, np.repeat(np.arange(count), heads), np.tile(np.arange(heads), count), y_c.ravel()),
    ):
        for need, capacity in ((cores, servers.cores), (ram_mb, servers.ram_mb)):
            row = model.rows(len(servers), upper=0.0)
            model.put(row[place], serves, need[demand])
            model.put(row, z, -capacity)
    row = model.rows(len(uplinks), upper=uplinks.bandwidth_bps)  # (6)
    model.put(row[uplink], x_ec, bandwidth_bps[device[attachment]])
    row = model.rows(len(trunks), upper=trunks.bandwidth_bps)  # (7)
    model.put(row[None, :], x_cc, bandwidth_bps[:, None])
    row = model.rows(count, lower=0.0, upper=0.0)  # (8)
    model.put(row[device], x_e)
    model.put(row, w, -1.0)
    row = model.rows(arcs, lower=0.0, upper=0.0)  # (9)
    model.put(row, x_e)
    model.put(row[attachment], x_ec, -1.0)
    model.put(row, y_e, -1.0)
    row = model.rows(count * heads, lower=0.0, upper=0.0).reshape(count, heads)  # (10)
    model.put(row[device[attachment], uplinks.head[uplink]], x_ec)
    model.put(row[every, trunks.head], x_cc)
    model.put(row[every, trunks.tail], x_cc, -1.0)
    model.put(row, y_c, -1.0)
    for used, z in (  # (11) to (14)
        (y_e, z_e[edge]),
        (x_ec, z_e[edge[attachment]]),
        (y_c.ravel(), np.tile(z_c, count)),
        (x_cc.ravel(), np.tile(z_c[trunks.tail], count)),
    ):
        row = model.rows(len(used), upper=0.0)
        model.put(row, used)
        model.put(row, z, -1.0)
    return LiteralModel(
        program=model.program(offset=penalty * count),
        network=network,
        attach=x_e,
        forward=x_ec,
        forward_attachment=attachment,
        forward_uplink=uplink,
        trunk=x_cc,
    )


def _onward(edge: IntArray, uplinks: Links, edges: int) -> tuple[IntArray, IntArray]:
    """Return every pair of an attachment and an uplink of its edge server."""
    order = np.argsort(uplinks.tail, kind="stable")
    start = np.concatenate(([0], np.cumsum(np.bincount(uplinks.tail, minlength=edges))))
    many = np.diff(start)[edge]
    attachment = np.repeat(np.arange(len(edge)), many)
    within_edge = np.arange(len(attachment)) - np.repeat(np.cumsum(many) - many, many)
    return attachment, order[start[edge[attachment]] + within_edge]
