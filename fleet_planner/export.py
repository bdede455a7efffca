"""A plan as the JSON that devices and people read. The format's names are the contract; no solving here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fleet_planner.geography import BoolArray, IntArray
from fleet_planner.plan import Plan
from fleet_planner.refusal import refusals
from fleet_planner.routes import active, delays_s, serving

__all__ = ["ALTERNATIVES", "document"]

ALTERNATIVES = 2


def document(plan: Plan) -> dict[str, Any]:
    """Return the plan. `path` lists the hops of a device, its edge server first and the one that serves it last.

    `alternatives` are further active edge servers in its range, the nearest in delay first; no capacity is kept
    there. Unknown is None, and so is a bound that nobody has proven.
    """
    network, routes = plan.network, plan.routes
    instance, server = network.instance, serving(plan.network, plan.routes)
    ids = (*instance.edges.ids, *instance.clouds.ids)
    urls = (*instance.edges.urls, *instance.clouds.urls)
    prices = np.concatenate((instance.edges.usd_per_h, instance.clouds.usd_per_h)).tolist()
    on = np.zeros(len(ids), bool)
    on[active(network, routes)] = True
    load = np.bincount(server[routes.served], minlength=len(ids)).tolist()
    delays = delays_s(network, routes)
    return {
        "version": 1,
        "technology": network.scenario,
        "minimised": plan.aim,
        "status": plan.status,
        "objective": plan.objective,
        "bound": plan.bound if math.isfinite(plan.bound) else None,
        "gap": plan.gap if math.isfinite(plan.gap) else None,
        "devices": len(instance.devices),
        "served": plan.served,
        "served_bound": plan.served_bound,
        "acceptance_frac": plan.acceptance_frac,
        "mean_delay_s": plan.mean_delay_s,
        "cost_usd_per_h": plan.cost_usd_per_h,
        "solve_s": plan.solve_s,
        "servers": {
            name: {
                "tier": "edge" if index < len(instance.edges) else "cloud",
                "url": urls[index],
                "active": bool(on[index]),
                "devices": load[index],
                "usd_per_h": prices[index],
            }
            for index, name in enumerate(ids)
        },
        "assignments": {
            instance.devices.ids[device]: {
                "server": ids[server[device]],
                "path": _path(plan, device),
                "delay_s": float(delays[device]),
                "alternatives": [ids[index] for index in _alternatives(plan, device, on)],
            }
            for device in routes.served.tolist()
        },
        "unserved": {
            instance.devices.ids[each.device]: {"reason": each.reason, "nearest_edge_m": each.nearest_m}
            for each in refusals(network, routes)
        },
    }


def _path(plan: Plan, device: int) -> list[str]:
    instance, routes = plan.network.instance, plan.routes
    hops = [instance.edges.ids[plan.network.edge[routes.attachment[device]]]]
    if routes.uplink[device] >= 0:
        hops.append(instance.clouds.ids[instance.uplinks.head[routes.uplink[device]]])
    return hops + [instance.clouds.ids[instance.trunks.head[link]] for link in routes.trunk[device] if link >= 0]


def _alternatives(plan: Plan, device: int, on: BoolArray) -> IntArray:
    network = plan.network
    arcs = np.arange(network.start[device], network.start[device + 1])
    arcs = arcs[on[network.edge[arcs]] & (arcs != plan.routes.attachment[device])]
    nearest: IntArray = network.edge[arcs[np.argsort(network.attach_s[arcs], kind="stable")[:ALTERNATIVES]]]
    return nearest
