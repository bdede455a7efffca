"""What any choice of active servers must satisfy so that enough devices are served: inequalities from least cuts.

After Benders, with the theorem of greatest flow and least cut in place of a dual program. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fleet_planner.flow import Flow, FlowNetwork
from fleet_planner.geography import BoolArray, FloatArray, IntArray

__all__ = ["Cut", "Demand", "cuts", "demand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """`weight` · active ≥ `least`, with activations 0 or 1."""

    weight: FloatArray
    least: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """Which groups must be served whole, and how many devices of the others."""

    whole: BoolArray
    of_others: float


def demand(flows: FlowNetwork, flow: Flow) -> Demand:
    """Say who is served in every plan that serves as many as `flow`, a greatest one with all servers active.

    Whoever is on the sink's side of a least cut can be served beside all others; those on the other side fill all
    that they reach, which serves the same number of them in every such plan.
    """
    near, _ = flows.sides(flow)
    whole = ~near[1 : 1 + len(flows.groups.kind)]
    return Demand(whole=whole, of_others=flow.value - float(flows.groups.count[whole].sum()))


def cuts(flows: FlowNetwork, flow: Flow, asked: Demand) -> Iterator[Cut]:
    """Yield the inequalities of the cuts that stop `flow`.

    A cut falls into parts that share no server; each part's devices need what leads out of it. Where clouds join
    parts, each is also taken alone with the clouds to itself. The cut as a whole is the last: `flow` breaks it,
    even where it breaks none of the stronger ones.
    """
    is_cloud = np.zeros(flows.sink + 1, bool)
    is_cloud[flows.first_cloud : flows.sink] = True
    for side in flows.sides(flow):
        inside = side.copy()
        inside[0] = False
        yield from _parts(flows, inside, _connected(flows, inside), np.zeros_like(inside), asked)
        if (inside & is_cloud).any():
            yield from _parts(flows, inside, _connected(flows, inside & ~is_cloud), inside & is_cloud, asked)
        yield from _parts(flows, inside, np.zeros(len(inside), np.int32), np.zeros_like(inside), asked)


def _connected(flows: FlowNetwork, nodes: BoolArray) -> IntArray:
    """Return the number of the part in which each node is, by arcs between `nodes` only."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    joins = nodes[flows.tail] & nodes[flows.head]
    arcs = (np.ones(int(joins.sum())), (flows.tail[joins], flows.head[joins]))
    part: IntArray = connected_components(coo_matrix(arcs, shape=(len(nodes), len(nodes))), directed=False)[1]
    return part


def _parts(
    flows: FlowNetwork, inside: BoolArray, part: IntArray, shared: BoolArray, asked: Demand
) -> Iterator[Cut]:
    """Yield an inequality for each part that has groups; the `shared` nodes belong to every part."""
    leaves = inside[flows.tail] & ~inside[flows.head]
    count = flows.groups.count.astype(np.float64)
    of_groups = slice(1, 1 + len(count))
    others = float(count[~asked.whole].sum())
    for each in np.unique(part[of_groups][inside[of_groups]]):
        members = inside[of_groups] & (part[of_groups] == each)
        elsewhere = others - float(count[members & ~asked.whole].sum())
        least = float(count[members & asked.whole].sum()) + max(0.0, asked.of_others - elsewhere)
        out = leaves & ((part[flows.tail] == each) | shared[flows.tail])
        switched = out & (flows.switch >= 0)
        least -= float(flows.capacity[out & ~switched].sum())
        if least > 0.0:
            weight = np.bincount(flows.switch[switched], flows.capacity[switched], minlength=flows.servers)
            # No server need weigh more than all that is asked: the same for 0 and 1, and tighter in between.
            yield Cut(weight=np.minimum(weight, least), least=least)
