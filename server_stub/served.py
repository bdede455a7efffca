"""One request with its answer, as a record: its line in the log, its metrics and its spans are all made of this.

Whoever handles the request leaves notes of what only it knows; the shell puts them together once it is answered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.types import Scope

from offload_sdk.wire import TraceContext
from server_stub.problems import RequestError

__all__ = ["GONE_STATUS", "Notes", "Repeat", "Served", "notes_of"]

GONE_STATUS = 499
"""What stands for a status where the caller has gone before the answer began."""

Repeat = Literal["joined", "remembered"]
"""How a request was answered that had come before: with the one that was under way, or as that one had been."""

_NOTES = "offload.notes"


@dataclass(slots=True, kw_only=True)
class Notes:
    """What is learned of a request on its way. `admitted_s` is when its body was there and it was queued, on the
    clock of the server; `error` is what the server did not expect."""

    admitted_s: float | None = None
    steps_s: Mapping[str, float] = field(default_factory=dict)
    model: str | None = None
    token: str | None = None
    repeat: Repeat | None = None
    problem: RequestError | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A request that has been answered with `status`, or whose caller has gone (`GONE_STATUS`).

    `route` is the path as the application knows it, with its variables' names, None if it knows none: unlike
    `path` it has few values. `began_at_s` is wall time since the epoch, `total_s` lasts to the end of the answer;
    of it the first `admit_s` went by until the request was queued, None if it never was. `steps_s` are those of
    `Server-Timing`. `client` is an address, `token` the name of the caller's token, `trace` where it
    stands in a trace. `repeat` is None for what was worked on for its own sake.
    """

    request_id: str
    method: str
    path: str
    status: int
    began_at_s: float
    total_s: float
    route: str | None = None
    client: str | None = None
    token: str | None = None
    trace: TraceContext | None = None
    admit_s: float | None = None
    steps_s: Mapping[str, float] = field(default_factory=dict)
    model: str | None = None
    repeat: Repeat | None = None
    problem: RequestError | None = None
    error: Exception | None = None


def notes_of(scope: Scope) -> Notes:
    """Return the request's notes, to be added to."""
    notes: Any = scope.setdefault(_NOTES, Notes())
    assert isinstance(notes, Notes)
    return notes
