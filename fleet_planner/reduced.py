"""Our own formulation: the same optima as the literal one from far fewer variables. No solver here.

Inside the network a device counts only by its class, so flows between servers are kept per class instead of per
device, and a device is a variable only on its first hop. Where all devices ask for the same, a server's capacity
is a number of devices; then, once it is known which servers are active, the rest is a flow in a network whose
bounds are whole numbers, and only the activations need to be integer. Devices with equal reach may be one row.

How many devices can be served is found first and then demanded, which does the work of the source's penalty M.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fleet_planner.capacity import link_slots, server_slots, trunk_may_bind, uplink_may_bind
from fleet_planner.geography import FloatArray, IntArray
from fleet_planner.groups import Groups, alike, singly
from fleet_planner.network import SERVE_S, Network
from fleet_planner.program import Builder, Program
from fleet_planner.routes import Routes, active, serving
from fleet_planner.trace import trace

__all__ = ["Aim", "ReducedModel", "reduced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What to minimise, and what to hold.

    The objective is `per_usd` × (15) + `per_s` × (16) − `per_device` × devices served, penalties left out.
    `served` is the least number of devices, `usd_per_h` and `delay_s` the most that (15) and (16) may come to.
    """

    per_usd: float = 0.0
    per_s: float = 0.0
    per_device: float = 0.0
    served: int = 0
    usd_per_h: float | None = None
    delay_s: float | None = None

    @property
    def by_delay(self) -> bool:
        """Whether it matters which of the edge servers in range a device attaches to."""
        return self.per_s > 0.0 or self.delay_s is not None

    @property
    def activates(self) -> bool:
        """Whether the price of active servers matters."""
        return self.per_usd > 0.0 or self.usd_per_h is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReducedModel:
    """The program, and what its columns mean: flows on arcs, in links by class, and out at servers by class.

    `group_row`, `edge_row` (classes × edge servers) and `served_row` are the rows in which an arc's flow stands.
    """

    program: Program
    network: Network
    groups: Groups
    attach: IntArray
    at_edge: IntArray
    uplink: IntArray
    at_cloud: IntArray
    trunk: IntArray
    active: IntArray
    group_row: IntArray
    edge_row: IntArray
    served_row: int | None

    def point(self, routes: Routes) -> FloatArray:
        """Return the solution that these routes are."""
        network, groups = self.network, self.groups
        x = np.zeros(len(self.program.cost))
        row = np.empty(len(network.device_class), np.int64)
        row[groups.member] = np.repeat(np.arange(len(groups.kind)), groups.count)
        device = routes.served
        arc = groups.start[row[device]] + routes.attachment[device] - network.start[device]
        np.add.at(x, self.attach[arc], 1.0)
        kind = network.device_class
        for link, flow in ((routes.uplink, self.uplink), *((step, self.trunk) for step in routes.trunk.T)):
            on = np.flatnonzero(link >= 0)
            np.add.at(x, flow[kind[on], link[on]], 1.0)
        server = serving(network, routes)
        sinks = np.hstack((self.at_edge, self.at_cloud))
        np.add.at(x, sinks[kind[device], server[device]], 1.0)
        x[self.active] = self.program.lower[self.active]
        x[self.active[active(network, routes)]] = 1.0
        return x

    def settled(self, x: FloatArray) -> Program:
        """Return the program with the activations of a solution: each vertex of it has flows of whole numbers."""
        lower, upper = self.program.lower.copy(), self.program.upper.copy()
        lower[self.active] = upper[self.active] = np.rint(x[self.active])
        return replace(self.program, lower=lower, upper=upper, integer=np.zeros_like(self.program.integer))

    def routes(self, x: FloatArray) -> Routes:
        """Read the devices' paths from a solution whose flows are whole numbers."""
        return trace(
            self.network,
            self.groups,
            self.network.device_class,
            *(np.rint(x[each]).astype(np.int64) for each in (self.attach, self.at_edge, self.uplink)),
            *(np.rint(x[each]).astype(np.int64) for each in (self.at_cloud, self.trunk)),
        )


def reduced(network: Network, aim: Aim) -> ReducedModel:
    """Build the model. Flows are declared integer only where an optimum could split them."""
    instance = network.instance
    edges, clouds, uplinks, trunks = instance.edges, instance.clouds, instance.uplinks, instance.trunks
    groups = singly(network) if aim.by_delay else alike(network)
    kinds, row = len(network.class_cores), groups.row
    count = groups.count.astype(np.float64)
    slots = server_slots(network)
    uplink_binds, trunk_binds = uplink_may_bind(network), trunk_may_bind(network)
    shared = kinds > 1 and bool(uplink_binds.any() or trunk_binds.any())
    parts = slots is None or shared or aim.delay_s is not None

    model = Builder()
    flows, delays_s = [], []
    for upper, delay_s, cost in (
        (count[row], groups.attach_s, -aim.per_device),
        (np.inf, np.full(kinds * len(edges), SERVE_S), 0.0),
        (link_slots(network, uplinks.bandwidth_bps).ravel(), network.uplink_s.ravel(), 0.0),
        (np.inf, np.full(kinds * len(clouds), SERVE_S), 0.0),
        (link_slots(network, trunks.bandwidth_bps).ravel(), network.trunk_s.ravel(), 0.0),
    ):
        flows.append(model.columns(len(delay_s), upper=upper, cost=cost + aim.per_s * delay_s, integer=parts))
        delays_s.append(delay_s)
    attach = flows[0]
    at_edge, uplink, at_cloud, trunk = (
        flow.reshape(kinds, places)
        for flow, places in zip(flows[1:], (len(edges), len(uplinks), len(clouds), len(trunks)), strict=True)
    )

    everybody = aim.served == len(groups.member)
    group_row = model.rows(len(count), lower=count if everybody else 0.0, upper=count)
    model.put(group_row[row], attach)
    served_row = None
    if aim.served and not everybody:
        least = model.rows(1, lower=aim.served)
        model.put(least, attach)
        served_row = int(least[0])

    kind = np.arange(kinds)[:, None]
    edge_row = model.rows(kinds * len(edges), lower=0.0, upper=0.0).reshape(kinds, len(edges))
    model.put(edge_row[groups.kind[row], groups.edge], attach)
    model.put(edge_row, at_edge, -1.0)
    model.put(edge_row[kind, uplinks.tail], uplink, -1.0)
    line: IntArray = model.rows(kinds * len(clouds), lower=0.0, upper=0.0).reshape(kinds, len(clouds))
    model.put(line[kind, uplinks.head], uplink)
    model.put(line[kind, trunks.head], trunk)
    model.put(line[kind, trunks.tail], trunk, -1.0)
    model.put(line, at_cloud, -1.0)
    if kinds > 1:  # else the link's bound says it
        for flow, links, binds in ((uplink, uplinks, uplink_binds), (trunk, trunks, trunk_binds)):
            line = model.rows(int(binds.sum()), upper=links.bandwidth_bps[binds])
            model.put(line, flow[:, binds], network.class_bandwidth_bps[:, None])

    # Without prices every server is active.
    on = model.columns(
        len(edges) + len(clouds),
        lower=0.0 if aim.activates else 1.0,
        upper=1.0,
        integer=aim.activates,
        cost=aim.per_usd * np.concatenate((edges.usd_per_h, clouds.usd_per_h)),
    )
    served = np.hstack((at_edge, at_cloud))
    if slots is not None:
        line = model.rows(len(on), upper=0.0)
        model.put(line, served)
        model.put(line, on, -slots)
    else:
        for need, capacity in (
            (network.class_cores, np.concatenate((edges.cores, clouds.cores))),
            (network.class_ram_mb, np.concatenate((edges.ram_mb, clouds.ram_mb))),
        ):
            line = model.rows(len(on), upper=0.0)
            model.put(line, served, need[:, None])
            model.put(line, on, -capacity)
    if aim.activates:
        for flow, most, switch in (
            (attach, count[row], on[groups.edge]),
            (uplink, link_slots(network, uplinks.bandwidth_bps), on[uplinks.tail]),
            (trunk, link_slots(network, trunks.bandwidth_bps), on[len(edges) + trunks.tail]),
        ):
            line = model.rows(flow.size, upper=0.0).reshape(flow.shape)
            model.put(line, flow)
            model.put(line, switch, -most)
    if aim.usd_per_h is not None:
        model.put(model.rows(1, upper=aim.usd_per_h), on, np.concatenate((edges.usd_per_h, clouds.usd_per_h)))
    if aim.delay_s is not None:
        model.put(model.rows(1, upper=aim.delay_s), np.concatenate(flows), np.concatenate(delays_s))
    return ReducedModel(
        program=model.program(),
        network=network,
        groups=groups,
        attach=attach,
        at_edge=at_edge,
        uplink=uplink,
        at_cloud=at_cloud,
        trunk=trunk,
        active=on,
        group_row=group_row,
        edge_row=edge_row,
        served_row=served_row,
    )
