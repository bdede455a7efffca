"""Planning again after devices have come, gone or moved, so that most of them stay where they are attached.

For least delay a change of the edge server is counted as so many seconds of delay more. For least cost nothing is
given away: of the plans with the servers of the cheapest one, that of the fewest changes is taken, and of these
the quickest. No files here.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from fleet_planner.geography import BoolArray, IntArray
from fleet_planner.instance import Links, Servers
from fleet_planner.network import Network
from fleet_planner.plan import Plan
from fleet_planner.planner import Tell, plan
from fleet_planner.routes import Routes, active, cost_usd_per_h
from offload_sdk.errors import ConfigurationError

__all__ = ["kept_frac", "replan"]

_QUICKER = 1e-3  # what the whole range of delays weighs beside one change


def replan(
    network: Network,
    previous: Mapping[str, str],
    aim: str,
    *,
    change_s: float = 0.1,
    time_limit_s: float = math.inf,
    progress: Tell | None = None,
) -> Plan:
    """Return a plan for `cost` or `delay` that keeps to `previous`, the edge server of each device, by their ids.

    Of `delay`, objective and bound count `change_s` for every device that changes. Raises `ConfigurationError` for
    another aim, and as `plan` does.
    """
    began_s = time.perf_counter()
    changes = _changes(network, previous)
    if aim == "delay":
        steady = replace(network, attach_s=network.attach_s + change_s * changes)
        found = plan(steady, "delay", time_limit_s=time_limit_s, progress=progress)
        return replace(found, network=network)
    if aim != "cost":
        raise ConfigurationError(f"a plan can follow an earlier one for cost or for delay, not for {aim}")
    cheapest = plan(network, "cost", time_limit_s=time_limit_s, progress=progress)
    rented = _Rented.of(network, changes, active(network, cheapest.routes))
    left_s = max(time_limit_s - (time.perf_counter() - began_s), 0.0)
    steady_plan = plan(rented.network, "delay", time_limit_s=left_s, progress=progress)
    if steady_plan.served < cheapest.served:  # time was over
        return cheapest
    routes = rented.back(steady_plan.routes)
    return replace(
        cheapest,
        routes=routes,
        objective=cost_usd_per_h(network, routes),
        solve_s=time.perf_counter() - began_s,
    )


def kept_frac(found: Plan, previous: Mapping[str, str]) -> float | None:
    """Return the share of the devices of both plans that attach where they did; None if there are none."""
    network = found.network
    devices = [place for place, each in enumerate(network.instance.devices.ids) if each in previous]
    if not devices:
        return None
    attachment = found.routes.attachment[devices]
    kept = (attachment >= 0) & ~_changes(network, previous)[attachment]
    return float(kept.mean())


def _changes(network: Network, previous: Mapping[str, str]) -> BoolArray:
    """Return for each attachment whether its device was attached elsewhere before; a new one was not."""
    places = {each: place for place, each in enumerate(network.instance.edges.ids)}
    before = np.array(
        [places.get(previous[each], -1) if each in previous else -2 for each in network.instance.devices.ids],
        np.int64,
    ).reshape(-1)[network.device]
    changes: BoolArray = (before != -2) & (before != network.edge)
    return changes


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rented:
    """The part of a network that has only certain servers, in which delay counts changes, and the way back."""

    network: Network
    arc: IntArray
    uplink: IntArray
    trunk: IntArray

    @classmethod
    def of(cls, network: Network, changes: BoolArray, servers: IntArray) -> _Rented:
        instance, edges = network.instance, len(network.instance.edges)
        on = np.zeros(edges + len(instance.clouds), bool)
        on[servers] = True
        uplinks, trunks = instance.uplinks, instance.trunks
        arc = np.flatnonzero(on[network.edge])
        uplink = np.flatnonzero(on[uplinks.tail] & on[edges + uplinks.head])
        trunk = np.flatnonzero(on[edges + trunks.tail] & on[edges + trunks.head])
        attach_s = network.attach_s[arc]
        count = np.bincount(network.device[arc], minlength=len(network.device_class))
        return cls(
            network=replace(
                network,
                instance=replace(
                    instance,
                    edges=_without(instance.edges, ~on[:edges]),
                    clouds=_without(instance.clouds, ~on[edges:]),
                    uplinks=_some(uplinks, uplink),
                    trunks=_some(trunks, trunk),
                ),
                start=np.concatenate(([0], np.cumsum(count))),
                edge=network.edge[arc],
                attach_s=changes[arc] + _QUICKER * attach_s / max(float(np.max(attach_s, initial=0.0)), 1e-12),
                uplink_s=np.zeros_like(network.uplink_s[:, uplink]),
                trunk_s=np.zeros_like(network.trunk_s[:, trunk]),
            ),
            arc=arc,
            uplink=uplink,
            trunk=trunk,
        )

    def back(self, routes: Routes) -> Routes:
        """Return routes of the part as routes of the whole."""
        return Routes(
            attachment=_looked_up(self.arc, routes.attachment),
            uplink=_looked_up(self.uplink, routes.uplink),
            trunk=_looked_up(self.trunk, routes.trunk),
        )


def _without(servers: Servers, off: BoolArray) -> Servers:
    return replace(servers, cores=np.where(off, 0.0, servers.cores), ram_mb=np.where(off, 0.0, servers.ram_mb))


def _some(links: Links, which: IntArray) -> Links:
    return Links(tail=links.tail[which], head=links.head[which], bandwidth_bps=links.bandwidth_bps[which])


def _looked_up(whole: IntArray, part: IntArray) -> IntArray:
    """Return the positions in the whole of positions in the part; -1 stays."""
    return np.append(whole, -1)[part].astype(part.dtype)
