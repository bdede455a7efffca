"""Schedulers by name, for settings and command lines. Decides nothing; code passes instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from offload_sdk.errors import ConfigurationError
from server_stub.scheduling.atc import Atc
from server_stub.scheduling.constraints import Thresholds
from server_stub.scheduling.context_aware import ContextAware
from server_stub.scheduling.interval import DynamicInterval, StaticInterval
from server_stub.scheduling.ordered import Edf, Fcfs, QosBased, Sjf
from server_stub.scheduling.state import Scheduler

__all__ = ["DEFAULT_SCHEDULER", "SCHEDULERS", "make_scheduler"]

SCHEDULERS: Mapping[str, Callable[[Thresholds], Scheduler]] = MappingProxyType(
    {
        "fcfs": lambda thresholds: Fcfs(),
        "sjf": lambda thresholds: Sjf(),
        "qos": lambda thresholds: QosBased(),
        "edf": lambda thresholds: Edf(),
        "context-static": lambda thresholds: ContextAware(StaticInterval(), thresholds=thresholds),
        "context-dynamic": lambda thresholds: ContextAware(DynamicInterval(), thresholds=thresholds),
        "atc": Atc,
    }
)
DEFAULT_SCHEDULER = "atc"


def make_scheduler(name: str = DEFAULT_SCHEDULER, thresholds: Thresholds | None = None) -> Scheduler:
    """Return a new scheduler: they learn, so each queue has its own. Raises `ConfigurationError`.

    `thresholds` matter to those that look at the device; by default no device is too weak.
    """
    try:
        return SCHEDULERS[name](Thresholds() if thresholds is None else thresholds)
    except KeyError:
        raise ConfigurationError(f"no scheduler is named {name!r}; there are {', '.join(SCHEDULERS)}") from None
