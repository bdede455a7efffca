"""The shortest ways from edge servers to clouds, by class. What happens before and after is no business of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_planner.geography import BoolArray, FloatArray, IntArray
from fleet_planner.network import Network

__all__ = ["Inner", "inner"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """Indexed by class, edge server, cloud: the least delay (inf: there is no way), its uplink, and its trunks in
    order along a further axis, -1 after the last."""

    delay_s: FloatArray
    uplink: IntArray
    trunk: IntArray


def inner(network: Network, active: BoolArray | None = None) -> Inner:
    """Find them after Bellman and Ford: no way visits a cloud twice, so as many rounds as there are clouds do.

    With `active` (edge servers, then clouds), only ways by such servers.
    """
    instance = network.instance
    uplinks, trunks, clouds = instance.uplinks, instance.trunks, len(instance.clouds)
    shape = (len(network.class_cores), len(instance.edges), clouds)
    delay_s, uplink = np.full(shape, np.inf), np.full(shape, -1, np.int32)
    trunk = np.full((*shape, max(clouds - 1, 0)), -1, np.int32)
    forwards = np.ones(shape[1] + clouds, bool) if active is None else active
    for link, (tail, head) in enumerate(zip(uplinks.tail, uplinks.head, strict=True)):
        if not forwards[tail]:
            continue
        taken_s = network.uplink_s[:, link]
        better = taken_s < delay_s[:, tail, head]
        delay_s[better, tail, head] = taken_s[better]
        uplink[better, tail, head] = link
    for step in range(trunk.shape[-1]):
        before_s, by_uplink, by_trunk = delay_s.copy(), uplink.copy(), trunk.copy()
        for link, (tail, head) in enumerate(zip(trunks.tail, trunks.head, strict=True)):
            if not forwards[shape[1] + tail]:
                continue
            taken_s = before_s[:, :, tail] + network.trunk_s[:, link, None]
            better = taken_s < delay_s[:, :, head]
            delay_s[:, :, head][better] = taken_s[better]
            uplink[:, :, head][better] = by_uplink[:, :, tail][better]
            trunk[:, :, head][better] = by_trunk[:, :, tail][better]
            trunk[:, :, head, step][better] = link
    return Inner(delay_s=delay_s, uplink=uplink, trunk=trunk)
