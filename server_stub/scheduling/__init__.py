"""Who is next: a scheduler looks at the queue and returns actions; the pool performs them.

Pure: no clock, no I/O, no threads, nothing of HTTP.
"""

from __future__ import annotations

from server_stub.scheduling.atc import Atc
from server_stub.scheduling.constraints import Thresholds
from server_stub.scheduling.context_aware import ContextAware
from server_stub.scheduling.interval import DynamicInterval, StaticInterval
from server_stub.scheduling.ordered import Edf, Fcfs, QosBased, Sjf
from server_stub.scheduling.registry import DEFAULT_SCHEDULER, SCHEDULERS, make_scheduler
from server_stub.scheduling.state import (
    Action,
    Finished,
    Preempt,
    QueueState,
    Refuse,
    Scheduler,
    Shed,
    Start,
    Waiting,
    Wake,
    WorkerState,
)

__all__ = [
    "DEFAULT_SCHEDULER",
    "SCHEDULERS",
    "Action",
    "Atc",
    "ContextAware",
    "DynamicInterval",
    "Edf",
    "Fcfs",
    "Finished",
    "Preempt",
    "QosBased",
    "QueueState",
    "Refuse",
    "Scheduler",
    "Shed",
    "Sjf",
    "Start",
    "StaticInterval",
    "Thresholds",
    "Waiting",
    "Wake",
    "WorkerState",
    "make_scheduler",
]
