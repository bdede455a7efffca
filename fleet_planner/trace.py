"""From flows to paths: which device goes where, given how many go through every arc and link. Pure."""

from __future__ import annotations

import numpy as np

from fleet_planner.geography import IntArray
from fleet_planner.groups import Groups
from fleet_planner.network import Network
from fleet_planner.routes import Routes

__all__ = ["trace"]


def trace(
    network: Network,
    groups: Groups,
    kinds: IntArray,
    attach: IntArray,
    at_edge: IntArray,
    uplink: IntArray,
    at_cloud: IntArray,
    trunk: IntArray,
) -> Routes:
    """Return a path for each unit of flow.

    `kinds` is the kind of each device: those of one kind that meet at a server are alike, so any may stay and any
    go on. `attach` counts devices by arc of the groups; the others have a row a kind and a column an edge server,
    uplink, cloud or trunk.
    """
    edges, clouds = len(network.instance.edges), len(network.instance.clouds)
    uplinks, trunks = network.instance.uplinks, network.instance.trunks
    attachment = np.full(len(network.device_class), -1)
    row = np.repeat(groups.row, attach)
    arc = np.repeat(np.arange(len(attach)), attach)
    each = np.arange(len(row)) - np.searchsorted(row, row)  # 0, 1, … within a row
    device = groups.member[groups.first[row] + each]
    attachment[device] = network.start[device] + arc - groups.start[row]

    kind = kinds[device]
    link = _deal(kind * edges + network.edge[attachment[device]], at_edge, uplink, uplinks.tail)
    first = np.full(len(attachment), -1, np.int32)
    first[device] = link
    steps: list[IntArray] = []
    left_here, left = at_cloud.copy(), trunk.copy()
    device, place = device[link >= 0], uplinks.head[link[link >= 0]]
    while len(device):
        kind = kinds[device]
        link = _deal(kind * clouds + place, left_here, left, trunks.tail)
        stays = link < 0
        np.subtract.at(left_here, (kind[stays], place[stays]), 1)
        device, kind, place, link = device[~stays], kind[~stays], trunks.head[link[~stays]], link[~stays]
        np.subtract.at(left, (kind, link), 1)
        if len(device):
            step = np.full(len(attachment), -1, np.int32)
            step[device] = link
            steps.append(step)
    return Routes(
        attachment=attachment,
        uplink=first,
        trunk=np.stack(steps, axis=1) if steps else np.empty((len(attachment), 0), np.int32),
    )


def _deal(key: IntArray, here: IntArray, onward: IntArray, tail: IntArray) -> IntArray:
    """Return for each device, by its kind and place in one `key`, the link that it takes; -1: it stays.

    `here` (kinds × places) stay, `onward` (kinds × links) go, those that stay first.
    """
    rows, places = here.shape
    keys = np.concatenate((np.arange(rows * places), (np.arange(rows)[:, None] * places + tail).ravel()))
    links = np.concatenate((np.full(rows * places, -1), np.tile(np.arange(onward.shape[1]), rows)))
    order = np.argsort(keys, kind="stable")
    many = np.concatenate((here.ravel(), onward.ravel()))[order]
    slot_key, slot = np.repeat(keys[order], many), np.repeat(links[order], many)
    by_key = np.argsort(key, kind="stable")
    ordered = key[by_key]
    rank = np.arange(len(ordered)) - np.searchsorted(ordered, ordered)
    found = np.empty(len(key), np.int64)
    found[by_key] = slot[np.searchsorted(slot_key, ordered) + rank]
    return found
