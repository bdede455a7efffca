"""Devices that the cost objective cannot tell apart, taken together. No model and no solver here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fleet_planner.geography import FloatArray, IntArray
from fleet_planner.network import Network

__all__ = ["Groups", "alike", "singly"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Rows of attachments (CSR) as in `Network`, each for `count` devices of one class and one reach.

    Row i stands for the devices `member[first[i]:first[i + 1]]` and its arcs are `start[i]:start[i + 1]`; the
    k-th arc of a row is the k-th attachment of each of its devices. Devices that reach nobody are in no row.
    """

    start: IntArray
    edge: IntArray
    attach_s: FloatArray
    kind: IntArray
    first: IntArray
    member: IntArray

    @property
    def count(self) -> IntArray:
        return np.diff(self.first)

    @property
    def row(self) -> IntArray:
        """The row of every arc."""
        return np.repeat(np.arange(len(self.kind), dtype=np.int32), np.diff(self.start))


def singly(network: Network) -> Groups:
    """Return a row for each device that reaches anybody."""
    member = np.flatnonzero(network.in_range)
    return Groups(
        start=np.concatenate(([0], network.start[1:][member])),
        edge=network.edge,
        attach_s=network.attach_s,
        kind=network.device_class[member],
        first=np.arange(len(member) + 1),
        member=member,
    )


def alike(network: Network) -> Groups:
    """Return a row for each class and set of edge servers in range; `attach_s` means nothing.

    Sets are compared by the sum of two random 64-bit numbers of each server, which differ for different sets but
    for a chance of 1 in 2^128 a pair.
    """
    reach = np.flatnonzero(network.in_range)
    if not len(reach):
        return singly(network)
    marks = np.random.default_rng(0).integers(2**64, size=(2, len(network.instance.edges)), dtype=np.uint64)
    sums = [np.add.reduceat(mark[network.edge], network.start[reach]) for mark in marks]
    order = np.lexsort((sums[0], sums[1], network.device_class[reach]))
    keys = np.column_stack((*sums, network.device_class[reach].astype(np.uint64)))[order]
    new = np.concatenate(([True], (keys[1:] != keys[:-1]).any(axis=1)))
    first = np.append(np.flatnonzero(new), len(order))
    member = reach[order]
    leaders = member[first[:-1]]
    many = network.in_range[leaders]
    start = np.concatenate(([0], np.cumsum(many)))
    arc = np.arange(start[-1]) - np.repeat(start[:-1] - network.start[leaders], many)
    return Groups(
        start=start,
        edge=network.edge[arc],
        attach_s=network.attach_s[arc],
        kind=network.device_class[leaders],
        first=first,
        member=member,
    )
