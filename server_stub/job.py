"""One task on its way through the pool, and what a worker has in hand. Records only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from server_stub.engine import EngineSource, Task
from server_stub.intake import Place
from server_stub.scheduling import Waiting
from server_stub.worker import Worker

__all__ = ["Batch", "Job"]

T = TypeVar("T")


@dataclass(slots=True, kw_only=True, eq=False)
class Job(Generic[T]):
    """`done` gives the task's result or raises. Whether or not somebody still waits for it, the `place` is left
    once the task is in no queue and no worker. `source`, the model that it runs on, is None until it runs."""

    entry: Waiting
    task: Task[T]
    place: Place
    done: asyncio.Future[T]
    source: EngineSource | None = None

    @property
    def started(self) -> bool:
        return self.source is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The jobs that a worker runs together, since when, and when it is expected to be free again: probably, and at
    the earliest."""

    worker: Worker
    jobs: Sequence[Job[Any]]
    since_s: float
    free_s: float
    earliest_s: float
