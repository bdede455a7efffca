"""Remembers the last records beside the log that keeps them all. No statistics, no HTTP."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from offload_sdk._types import Outcome, Record
from offload_sdk.typing import Log

__all__ = ["Entry", "Recent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A record as it is known by now. `version` grows with every change of any of them."""

    version: int
    record: Record


class Recent:
    """A log that writes to `log` and keeps the last `size` records in memory, late outcomes included."""

    def __init__(self, log: Log, *, size: int = 100) -> None:
        self._log = log
        self._size = size
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._version = 0
        self._changed = threading.Condition()

    def append(self, record: Record) -> None:
        self._log.append(record)
        with self._changed:
            self._keep(record)
            while len(self._entries) > self._size:
                self._entries.popitem(last=False)

    def amend(self, request_id: str, outcomes: Iterable[Outcome]) -> None:
        outcomes = tuple(outcomes)
        self._log.amend(request_id, outcomes)
        with self._changed:
            if (entry := self._entries.get(request_id)) is not None:
                self._keep(replace(entry.record, outcomes=(*entry.record.outcomes, *outcomes)))

    def maintain(self) -> None:
        self._log.maintain()

    def status(self) -> Mapping[str, Any]:
        return self._log.status()

    def close(self) -> None:
        self._log.close()

    def since(self, version: int) -> tuple[int, list[Entry]]:
        """Return the latest version, and what has changed after the one given, in the pictures' order."""
        with self._changed:
            return self._version, [entry for entry in self._entries.values() if entry.version > version]

    def complete(self, request_id: str, timeout_s: float) -> Entry | None:
        """Return a record once each option that was to be run for it has ended, or as it is after the time-out.

        None: it has been forgotten.
        """

        def ended() -> bool:
            entry = self._entries.get(request_id)
            if entry is None:
                return True
            return set(entry.record.decision.shadow) <= {outcome.option for outcome in entry.record.outcomes}

        with self._changed:
            self._changed.wait_for(ended, timeout_s)
            return self._entries.get(request_id)

    def _keep(self, record: Record) -> None:
        self._version += 1
        self._entries[record.request_id] = Entry(version=self._version, record=record)
        self._changed.notify_all()
