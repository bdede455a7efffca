"""One task on its way through the pool, and what a worker has in hand. No queue, no choice."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from offload_sdk.errors import InvalidImageError
from server_stub.engine import EngineSource, Task
from server_stub.intake import Place
from server_stub.problems import RequestError
from server_stub.scheduling import Waiting
from server_stub.worker import Worker

__all__ = ["Batch", "Job", "in_time_together"]

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

    def settle(self, result: T | Exception) -> None:
        """Tell who waits for it, if anybody does, what the task came to, and leave the place."""
        self.place.leave()
        if isinstance(result, InvalidImageError):
            self.fail(RequestError.invalid_image(str(result)))
        elif isinstance(result, Exception):
            self.fail(result)
        elif not self.done.done():
            self.done.set_result(result)

    def fail(self, error: Exception) -> None:
        """Tell who waits for it, if anybody does, of the error, and keep the place: a worker has the task yet."""
        if not self.done.done():
            self.done.set_exception(error)
            self.done.exception()  # retrieved, so that asyncio does not complain if nobody waits any more


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The jobs that a worker runs together, since when, and when it is expected to be free again: probably, and at
    the earliest."""

    worker: Worker
    jobs: Sequence[Job[Any]]
    since_s: float
    free_s: float
    earliest_s: float


def in_time_together(jobs: Sequence[Job[Any]], now_s: float) -> Sequence[Job[Any]]:
    """Return as many of the jobs as can run together without one missing its deadline for the others' sake,
    presuming that nothing is gained by it; the first one always."""
    end_s = now_s
    due_s = math.inf
    for count, job in enumerate(jobs):
        end_s += job.entry.service_s
        due_s = min(due_s, math.inf if job.entry.due_s is None else job.entry.due_s)
        if count and end_s > due_s:
            return jobs[:count]
    return jobs
