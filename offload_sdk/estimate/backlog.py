"""What is queued on each option already: how long a newcomer would wait. Pure: no threads, the time is given."""

from __future__ import annotations

from itertools import takewhile

from offload_sdk._types import Estimate

__all__ = ["Backlog", "Job"]


class Job:
    """One run that has been started, as `Backlog.started` returned it; nothing in it is for others."""

    __slots__ = ("done_s", "due_s", "option", "work_s")

    def __init__(self, option: str, work_s: float, done_s: float, due_s: float) -> None:
        self.option = option
        self.work_s = work_s
        self.done_s = done_s
        self.due_s = due_s


class Backlog:
    """Each option as a queue with one server, first in first out: the interpreter, or the uplink to an endpoint.

    A run occupies its server for `work_s` seconds (an inference; bytes times seconds per byte) and ends
    `tail_s` later (round trip and server), when others have the uplink already. Each queue has a time of its
    own, which stands still while its oldest run is overdue, since then nothing behind that can move either.
    How long an overdue run still takes is anybody's guess; here, as long again as it is overdue by now (Gott's
    rule for a delay of unknown scale, Nature 363, 1993): it makes a stalled link look as slow as it is before
    anything has timed out. An overdue run that a later one has passed by holds up nobody (its connection alone is
    dead) and no longer counts.

    Times are seconds of one monotonic clock. O(1) a call. Not thread-safe; the caller holds a lock.
    """

    __slots__ = ("_queues",)

    def __init__(self) -> None:
        self._queues: dict[str, _Queue] = {}

    def started(self, option: str, work_s: float, now_s: float, *, tail_s: float = 0.0) -> Job:
        """Note a run that was started, or queued, now. Whatever becomes of it, `ended` must follow."""
        queue = self._queues.get(option)
        if queue is None:
            queue = self._queues[option] = _Queue()
        queue.free_s = max(queue.free_s, queue.time_s(now_s)) + work_s
        job = Job(option, work_s, queue.free_s, queue.free_s + tail_s)
        queue.jobs[job] = None
        return job

    def begun(self, expected: Estimate, now_s: float, *, s_per_byte: float | None = None) -> Job:
        """Note the run that `expected` predicts, on an uplink of `s_per_byte`, or (None) on the interpreter."""
        alone_s = expected.latency_mean_s - expected.parts_s.get("wait", 0.0)
        work_s = alone_s if s_per_byte is None else min(expected.payload_bytes * s_per_byte, alone_s)
        return self.started(expected.option, work_s, now_s, tail_s=alone_s - work_s)

    def ended(self, job: Job, now_s: float, *, answered: bool = False) -> None:
        """Note that a run is over: answered, or else failed, given up, or dropped before it began."""
        queue = self._queues.get(job.option)
        if queue is None or job not in queue.jobs:
            return  # it was passed by
        time_s = queue.time_s(now_s)
        if answered:
            for older in [*takewhile(lambda other: other is not job, queue.jobs)]:
                if older.due_s <= time_s:
                    self.ended(older, now_s)
            time_s = queue.time_s(now_s)
        unused_s = min(job.work_s, max(job.done_s - time_s, 0.0))
        is_oldest = next(iter(queue.jobs)) is job
        del queue.jobs[job]
        if not queue.jobs:
            del self._queues[job.option]
        elif is_oldest:  # all others are behind it: they move up, or have been held up
            queue.behind_s = now_s - time_s - unused_s
        else:
            queue.free_s -= unused_s

    def wait_s(self, option: str, now_s: float) -> float:
        """Return how long a run that started now would wait for those before it."""
        queue = self._queues.get(option)
        if queue is None:
            return 0.0
        time_s = queue.time_s(now_s)
        overdue_s = now_s - queue.behind_s - time_s
        return max(queue.free_s - time_s, 0.0) + overdue_s


class _Queue:
    """`free_s` and the times of the jobs are in the queue's own time, `behind_s` behind the clock."""

    __slots__ = ("behind_s", "free_s", "jobs")

    def __init__(self) -> None:
        self.jobs: dict[Job, None] = {}  # the oldest first
        self.behind_s = 0.0
        self.free_s = float("-inf")

    def time_s(self, now_s: float) -> float:
        oldest = next(iter(self.jobs), None)
        time_s = now_s - self.behind_s
        return time_s if oldest is None else min(time_s, oldest.due_s)
