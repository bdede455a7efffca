"""Who is next: a scheduler looks at the queue and returns actions; the pool performs them.

Pure: no clock, no I/O, no threads, nothing of HTTP.
"""

from __future__ import annotations

from server_stub.scheduling.fcfs import Fcfs
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
    "Action",
    "Fcfs",
    "Finished",
    "Preempt",
    "QueueState",
    "Refuse",
    "Scheduler",
    "Shed",
    "Start",
    "Waiting",
    "Wake",
    "WorkerState",
]
