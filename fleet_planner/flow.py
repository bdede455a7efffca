"""A network's devices as a flow: how many can be served while only some servers are active, and what stops more.

Exact where every server and link holds a number of devices whichever they are. Knows no prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fleet_planner.capacity import link_slots, server_slots, trunk_may_bind, uplink_may_bind
from fleet_planner.geography import BoolArray, FloatArray, IntArray
from fleet_planner.groups import Groups, alike
from fleet_planner.network import Network
from fleet_planner.routes import Routes
from fleet_planner.trace import trace

__all__ = ["Flow", "FlowNetwork", "flow_network"]

_FINE = 10_000  # parts of a device that a fractional activation may let through


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A greatest flow: its value in devices, and the arcs that could take more, as a sparse matrix."""

    value: float
    by_arc: IntArray
    residual: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowNetwork:
    """Arcs from the source 0 through groups of devices, edge servers and clouds to the sink, the last node.

    Arcs stand in the order: into groups, attachments, out of servers, uplinks, trunks. An arc with a `switch` has
    its capacity times the activation of that server, 0 to 1; -1: it has none.
    """

    network: Network
    groups: Groups
    tail: IntArray
    head: IntArray
    capacity: FloatArray
    switch: IntArray

    @property
    def sink(self) -> int:
        return len(self.groups.kind) + self.servers + 1

    @property
    def servers(self) -> int:
        return len(self.network.instance.edges) + len(self.network.instance.clouds)

    @property
    def first_cloud(self) -> int:
        """The node of the first cloud; the others follow."""
        return self.sink - len(self.network.instance.clouds)

    def greatest(self, active: FloatArray) -> Flow:
        """Return a greatest flow for these activations."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import maximum_flow

        scale = 1 if bool(((active == 0.0) | (active == 1.0)).all()) else _FINE
        share = np.where(self.switch < 0, 1.0, active[self.switch])
        capacity = np.rint(scale * self.capacity * share).astype(np.int32)
        size = (self.sink + 1, self.sink + 1)
        matrix = coo_matrix((capacity, (self.tail, self.head)), shape=size).tocsr()
        matrix.eliminate_zeros()
        found = maximum_flow(matrix, 0, self.sink)
        residual = (matrix - found.flow).tocsr()
        residual.eliminate_zeros()
        return Flow(
            value=found.flow_value / scale, by_arc=_at(found.flow, self.tail, self.head), residual=residual
        )

    def routes(self, flow: Flow) -> Routes:
        """Return the paths of a flow of whole devices."""
        instance = self.network.instance
        counts = (len(self.groups.kind), len(self.groups.edge), self.servers, len(instance.uplinks))
        _, attach, at_server, uplink, trunk = np.split(flow.by_arc, np.cumsum(counts))
        at_edge, at_cloud = np.split(at_server, [len(instance.edges)])
        nothing = np.zeros_like(self.network.device_class)
        return trace(
            self.network,
            self.groups,
            nothing,
            attach,
            *(each[None] for each in (at_edge, uplink, at_cloud, trunk)),
        )

    def sides(self, flow: Flow) -> tuple[BoolArray, BoolArray]:
        """Return the nodes on the source's side of the least cuts nearest to the source and to the sink."""
        from scipy.sparse.csgraph import breadth_first_order

        near, far = np.zeros(self.sink + 1, bool), np.ones(self.sink + 1, bool)
        near[breadth_first_order(flow.residual, 0, return_predecessors=False)] = True
        back = flow.residual.T.tocsr()
        far[breadth_first_order(back, self.sink, return_predecessors=False)] = False
        return near, far


def flow_network(network: Network) -> FlowNetwork | None:
    """Return the flow network; None where demands differ, or devices of different bandwidths may fill a link."""
    slots = server_slots(network)
    classes = len(network.class_cores)
    if slots is None or (classes > 1 and (uplink_may_bind(network).any() or trunk_may_bind(network).any())):
        return None
    groups, instance = alike(network), network.instance
    edges, clouds = len(instance.edges), len(instance.clouds)
    rows, count, everybody = len(groups.kind), groups.count.astype(float), float(len(groups.member))
    edge, cloud, sink = 1 + rows, 1 + rows + edges, 1 + rows + edges + clouds
    links = [
        np.max(link_slots(network, each.bandwidth_bps), axis=0, initial=0.0)
        for each in (instance.uplinks, instance.trunks)
    ]
    servers = np.arange(edges + clouds)
    return FlowNetwork(
        network=network,
        groups=groups,
        tail=np.concatenate(
            (
                np.zeros(rows, int),
                1 + groups.row,
                edge + servers,
                edge + instance.uplinks.tail,
                cloud + instance.trunks.tail,
            )
        ),
        head=np.concatenate(
            (
                1 + np.arange(rows),
                edge + groups.edge,
                np.full(len(servers), sink),
                cloud + instance.uplinks.head,
                cloud + instance.trunks.head,
            )
        ),
        capacity=np.minimum(np.concatenate((count, count[groups.row], slots, *links)), everybody),
        switch=np.concatenate(
            (np.full(rows + len(groups.edge), -1), servers, instance.uplinks.tail, edges + instance.trunks.tail)
        ),
    )


def _at(matrix: Any, row: IntArray, column: IntArray) -> IntArray:
    """Return the positive entries of a sparse matrix at these places, 0 where it has none."""
    entries, width = matrix.tocoo(), matrix.shape[1]
    key = entries.row.astype(np.int64) * width + entries.col
    order = np.argsort(key)
    wanted = row.astype(np.int64) * width + column
    found = np.minimum(np.searchsorted(key[order], wanted), max(len(key) - 1, 0))
    values = np.zeros(len(wanted), np.int64)
    if len(key):
        values = np.where(key[order][found] == wanted, entries.data[order][found], 0)
    return np.maximum(values, 0)
