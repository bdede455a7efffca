"""Who takes part: the server's own schedulers, by the names of its settings. Decides nothing itself."""

from __future__ import annotations

from benchmarks.fog.parameters import Parameters
from benchmarks.fog.rounds import InRounds
from server_stub.scheduling import (
    DEFAULT_SCHEDULER,
    ContextAware,
    DynamicInterval,
    Scheduler,
    StaticInterval,
    Thresholds,
    make_scheduler,
)

__all__ = ["BASELINES", "DYNAMIC", "NAMES", "OWN", "PAPER", "STATIC", "make"]

STATIC, DYNAMIC = "context-static", "context-dynamic"  # the paper's proposal, with its two intervals
BASELINES = ("fcfs", "sjf", "qos")  # what the paper compares it with
PAPER = (STATIC, DYNAMIC, *BASELINES)
OWN = DEFAULT_SCHEDULER
_INTERVALS = {STATIC: StaticInterval, DYNAMIC: DynamicInterval}
NAMES = tuple(dict.fromkeys((*PAPER, "edf", OWN)))


def make(name: str, parameters: Parameters) -> Scheduler:
    """A new scheduler that knows the thresholds of the devices."""
    thresholds = Thresholds(battery_frac=parameters.least_battery_frac, signal_dbm=parameters.least_signal_dbm)
    if name in _INTERVALS and parameters.preempts:
        return ContextAware(_INTERVALS[name](), thresholds=thresholds, preempts=True)
    scheduler = make_scheduler(name, thresholds)
    if name not in _INTERVALS and parameters.in_rounds:
        return InRounds(scheduler, parameters.service_mean_s)
    return scheduler
