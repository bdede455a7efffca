"""Requests that come twice: the answers of a moment ago, and the jobs for which several requests wait.

A client whose connection breaks cannot know whether its request was worked on, so it sends it again under the same
id. What is one request and what another is for the caller to say, by the keys. No HTTP, no queue.
"""

from __future__ import annotations

import contextlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from server_stub.engine import Clock
from server_stub.job import Job

__all__ = ["Repeats"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept(Generic[T]):
    answer: T
    size_bytes: int
    until_s: float


class Repeats(Generic[T]):
    """Keeps answers for `keep_s`, at most `max_answers` of together `max_bytes`; of too many the oldest go.

    `withdraw` is called with a job for which nobody waits any more. A key of None is like no other. One thread
    uses it, so nothing is locked.
    """

    def __init__(
        self,
        *,
        keep_s: float,
        max_answers: int,
        max_bytes: int,
        clock: Clock,
        withdraw: Callable[[Job[Any]], None],
    ) -> None:
        self._keep_s = keep_s
        self._max_answers = max_answers
        self._max_bytes = max_bytes
        self._clock = clock
        self._withdraw = withdraw
        self._kept: OrderedDict[Hashable, _Kept[T]] = OrderedDict()
        self._jobs: dict[Hashable, Job[Any]] = {}
        self._waiting: Counter[Job[Any]] = Counter()
        self.held_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def answer(self, key: Hashable | None) -> T | None:
        """Return what was answered under this key, if that was not too long ago."""
        self._forget()
        kept = None if key is None else self._kept.get(key)
        return None if kept is None else kept.answer

    def keep(self, key: Hashable | None, answer: T, size_bytes: int) -> None:
        """Remember an answer; the first one under its key stays."""
        self._forget()
        if key is None or key in self._kept or size_bytes > self._max_bytes:
            return
        self._kept[key] = _Kept(answer=answer, size_bytes=size_bytes, until_s=self._clock() + self._keep_s)
        self.held_bytes += size_bytes
        while len(self._kept) > self._max_answers or self.held_bytes > self._max_bytes:
            self._drop_oldest()

    def job(self, key: Hashable | None) -> Job[Any] | None:
        """Return the job under this key that others wait for, unless it has failed."""
        job = None if key is None else self._jobs.get(key)
        if job is None or (job.done.done() and (job.done.cancelled() or job.done.exception() is not None)):
            return None
        return job

    @contextlib.contextmanager
    def waiting(self, key: Hashable | None, job: Job[Any]) -> Iterator[None]:
        """Let others find the job while this block waits for it; whoever leaves it last withdraws it."""
        self._waiting[job] += 1
        if key is not None:
            self._jobs[key] = job
        try:
            yield
        finally:
            self._waiting[job] -= 1
            if not self._waiting[job]:
                del self._waiting[job]
                if self._jobs.get(key) is job:
                    del self._jobs[key]
                self._withdraw(job)

    def _forget(self) -> None:
        now_s = self._clock()
        while self._kept and next(iter(self._kept.values())).until_s <= now_s:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        _, kept = self._kept.popitem(last=False)
        self.held_bytes -= kept.size_bytes
