"""Predictions: how long each option will take, what energy and money it costs. Pure arithmetic, O(1) a call.

Nothing here reads a clock, a file or a socket; `now_s` and measurements are handed in.
"""

from offload_sdk.estimate.backlog import Backlog, Job
from offload_sdk.estimate.energy import local_energy_j, outcome_energy, remote_energy_j
from offload_sdk.estimate.link import LinkFilter
from offload_sdk.estimate.local import LocalEstimator
from offload_sdk.estimate.money import Prices, outcome_cost_usd
from offload_sdk.estimate.remote import RemoteEstimator

__all__ = [
    "Backlog",
    "Job",
    "LinkFilter",
    "LocalEstimator",
    "Prices",
    "RemoteEstimator",
    "local_energy_j",
    "outcome_cost_usd",
    "outcome_energy",
    "remote_energy_j",
]
