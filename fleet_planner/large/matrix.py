"""Every device that reaches anybody against every server that may serve it: what being served there takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fleet_planner.capacity import server_slots
from fleet_planner.geography import IntArray
from fleet_planner.large.inner import inner
from fleet_planner.network import SERVE_S, Network
from offload_sdk.errors import ConfigurationError

__all__ = ["ROWS", "Float32Array", "Matrix", "matrix"]

Float32Array: TypeAlias = NDArray[np.float32]
ROWS = 4096  # at a time, so that what is computed from the matrix stays small


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """`delay_s` is devices × (edge servers, then clouds), inf where there is no way from one to the other.

    A row stands for `device`. `slots` says how many devices each server holds.
    """

    network: Network
    device: IntArray
    delay_s: Float32Array
    slots: IntArray


def matrix(network: Network) -> Matrix:
    """Build it. Raises `ConfigurationError` where devices ask for different capacities."""
    slots = server_slots(network)
    if slots is None:
        raise ConfigurationError(
            "so large a fleet can be planned only if all devices ask for the same cores and memory; "
            "give them the largest demand, or plan regions one by one"
        )
    ways = inner(network)
    device = np.flatnonzero(network.in_range)
    row = np.full(len(network.device_class), -1)
    row[device] = np.arange(len(device))
    edges, clouds = len(network.instance.edges), len(network.instance.clouds)
    delay_s = np.full((len(device), edges + clouds), np.inf, np.float32)
    for first in range(0, len(device), ROWS):
        some = device[first : first + ROWS]
        arcs = slice(network.start[some[0]], network.start[some[-1] + 1])
        owner = np.repeat(np.arange(len(some)), network.in_range[some])
        edge, attach_s = network.edge[arcs], network.attach_s[arcs]
        delay_s[first + owner, edge] = attach_s + SERVE_S
        begin = network.start[some] - arcs.start
        inside_s = ways.delay_s[network.device_class[some[owner]], edge]
        delay_s[first : first + len(some), edges:] = (
            np.minimum.reduceat(attach_s[:, None] + inside_s, begin, axis=0) + SERVE_S
        )
    return Matrix(network=network, device=device, delay_s=delay_s, slots=slots.astype(np.int64))
