"""Policies: from a situation to a decision that explains itself with numbers. Pure arithmetic.

A policy is anything with `decide(situation) -> Decision`. What wraps a policy (`Hysteresis`, `Shadowed`,
`Traced`) is one too. Names exist only in `policy_by_name`, for the configuration's edge.
"""

from offload_sdk.decide.auto import Auto
from offload_sdk.decide.bandit import Bandit
from offload_sdk.decide.deadline import MeetDeadline
from offload_sdk.decide.fixed import Fixed
from offload_sdk.decide.hysteresis import Hysteresis
from offload_sdk.decide.limits import Limits
from offload_sdk.decide.minimise import Minimise, by_cost, by_energy, by_latency
from offload_sdk.decide.named import policy_by_name
from offload_sdk.decide.payload import PayloadChoice
from offload_sdk.decide.shadow import Shadowed
from offload_sdk.decide.tracing import Decided, Learned, Traced, log_event

__all__ = [
    "Auto",
    "Bandit",
    "Decided",
    "Fixed",
    "Hysteresis",
    "Learned",
    "Limits",
    "MeetDeadline",
    "Minimise",
    "PayloadChoice",
    "Shadowed",
    "Traced",
    "by_cost",
    "by_energy",
    "by_latency",
    "log_event",
    "policy_by_name",
]
