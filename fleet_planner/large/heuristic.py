"""Plans of least cost and of least delay for fleets of any size in which all devices ask for the same."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fleet_planner.large.activation import least_cost
from fleet_planner.large.assignment import Assignment
from fleet_planner.large.choice import choose, swap
from fleet_planner.large.matrix import matrix
from fleet_planner.large.prices import bound, candidates, prices
from fleet_planner.large.reachable import Reachable
from fleet_planner.large.ways import ways
from fleet_planner.network import Network
from fleet_planner.routes import Routes

__all__ = ["Found", "cheapest", "quickest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Routes; no plan serves more than `served_bound`, and none that serves so many is below `bound`.

    Where links are narrow, the routes may serve fewer.
    """

    routes: Routes
    bound: float
    served_bound: int


def cheapest(network: Network, *, time_limit_s: float = math.inf) -> Found:
    """Return routes of least cost, and dollars an hour as their bound. Raises `ConfigurationError` as `matrix`."""
    whole = matrix(network)
    reachable = Reachable(np.isfinite(whole.delay_s))
    device, slots = whole.device, whole.slots
    del whole
    found = least_cost(network.instance, reachable, slots, time_limit_s=time_limit_s)
    return Found(
        routes=ways(network, device, found.server, found.active),
        bound=found.bound,
        served_bound=int(np.count_nonzero(found.server >= 0)),
    )


def quickest(network: Network) -> Found:
    """Return routes of little delay, and seconds as their bound. Raises `ConfigurationError` as `matrix`.

    Slots are priced; each row gets its best priced server, those first who would lose most by another.
    """
    whole = matrix(network)
    slots, clouds = whole.slots, len(network.instance.clouds)
    whole.delay_s[:, slots < 1] = np.inf
    some = np.isfinite(whole.delay_s).any(axis=1)
    device, delay_s = whole.device[some], whole.delay_s[some]
    reachable = Reachable(np.isfinite(delay_s))
    left_out, missing = -1, max(0, len(device) - int(slots.sum()))
    while missing > left_out and len(device):
        # Once their number is known, who is to be left out is part of the prices.
        left_out = missing
        price = prices(delay_s, slots, clouds=clouds, left_out=left_out)
        found = Assignment(reachable, slots)
        choose(found, candidates(delay_s, price, clouds), price, left_out=left_out)
        missing = len(found.serve_most())
    if not len(device):
        return Found(routes=Routes.none(len(network.device_class), 0), bound=0.0, served_bound=0)
    if left_out:
        swap(found, reachable, delay_s)
    return Found(
        routes=ways(network, device, found.server),
        bound=bound(delay_s, slots, price, left_out=left_out),
        served_bound=len(reachable) - left_out,
    )
