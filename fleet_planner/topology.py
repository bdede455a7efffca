"""Which servers are linked when nobody says: edge servers to municipal clouds, these to those on demand. Pure."""

from __future__ import annotations

import numpy as np

from fleet_planner.geography import IntArray
from fleet_planner.hardware import TRUNK_BPS, UPLINK_BPS
from fleet_planner.instance import Links

__all__ = ["star"]


def star(edges: int, municipal: IntArray, on_demand: IntArray) -> tuple[Links, Links]:
    """Return the uplinks and trunks: all of `edges` to all `municipal` clouds, all of these to all `on_demand`."""
    return (
        _all_pairs(np.arange(edges, dtype=np.int32), municipal, UPLINK_BPS),
        _all_pairs(municipal, on_demand, TRUNK_BPS),
    )


def _all_pairs(tails: IntArray, heads: IntArray, bandwidth_bps: float) -> Links:
    tail, head = np.repeat(tails, len(heads)), np.tile(heads, len(tails))
    return Links(tail=tail, head=head, bandwidth_bps=np.full(len(tail), bandwidth_bps))
