"""Policies: from a situation to a decision that explains itself with numbers. Pure arithmetic.

A policy is anything with `decide(situation) -> Decision`. What wraps a policy (`Shadowed`) is one too.
Names exist only in `policy_by_name`, for the configuration's edge.
"""

from offload_sdk.decide.auto import Auto
from offload_sdk.decide.deadline import MeetDeadline
from offload_sdk.decide.fixed import Fixed
from offload_sdk.decide.minimise import Minimise, by_cost, by_energy, by_latency
from offload_sdk.decide.named import policy_by_name
from offload_sdk.decide.shadow import Shadowed

__all__ = [
    "Auto",
    "Fixed",
    "MeetDeadline",
    "Minimise",
    "Shadowed",
    "by_cost",
    "by_energy",
    "by_latency",
    "policy_by_name",
]
