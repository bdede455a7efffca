"""Schedulers by name, for settings and command lines. Decides nothing; code passes instances."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from offload_sdk.errors import ConfigurationError
from server_stub.scheduling.ordered import Edf, Fcfs, QosBased, Sjf
from server_stub.scheduling.state import Scheduler

__all__ = ["DEFAULT_SCHEDULER", "SCHEDULERS", "make_scheduler"]

SCHEDULERS: Mapping[str, Callable[[], Scheduler]] = MappingProxyType(
    {"fcfs": Fcfs, "sjf": Sjf, "qos": QosBased, "edf": Edf}
)
DEFAULT_SCHEDULER = "edf"


def make_scheduler(name: str = DEFAULT_SCHEDULER) -> Scheduler:
    """Return a new scheduler: they learn, so each queue has its own. Raises `ConfigurationError`."""
    try:
        return SCHEDULERS[name]()
    except KeyError:
        raise ConfigurationError(f"no scheduler is named {name!r}; there are {', '.join(SCHEDULERS)}") from None
