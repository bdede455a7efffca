"""M, what one device that is not served adds to (15) and (16): enough that serving it is always better. Pure."""

from __future__ import annotations

from typing import Literal

import numpy as np

from fleet_planner.geography import FloatArray
from fleet_planner.network import SERVE_S, Network

__all__ = ["penalty"]


def penalty(network: Network, objective: Literal["cost", "delay"]) -> float:
    """Return M > Σα for `cost`, and M > |S| × (longest path) for `delay`.

    No path is longer than the longest attachment, the longest uplink and as many of the longest trunk as there are
    further clouds.
    """
    instance = network.instance
    if objective == "cost":
        return 1.0 + float(instance.edges.usd_per_h.sum() + instance.clouds.usd_per_h.sum())
    steps = max(len(instance.clouds) - 1, 0)
    longest_s = _most(network.attach_s) + _most(network.uplink_s) + steps * _most(network.trunk_s) + SERVE_S
    return 1.0 + len(instance.devices) * longest_s


def _most(delays_s: FloatArray) -> float:
    return float(np.max(delays_s, initial=0.0))
