"""The queue and who works on it: performs what the scheduler says, on the event loop's thread.

All state is touched by that one thread, so nothing here is locked. No HTTP, no threads (`Roster`), and no opinion
on who is next or who must go: that is the scheduler's.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, TypeVar

from offload_sdk.errors import ModelError
from server_stub.alarm import Alarm
from server_stub.engine import Clock, EngineSource, Loader, Task
from server_stub.intake import Intake, Place
from server_stub.job import Batch, Job, in_time_together
from server_stub.observer import Occupancy, PoolObserver, Unobserved
from server_stub.problems import RequestError
from server_stub.queue_limit import QueueLimit
from server_stub.roster import Roster
from server_stub.scheduling import (
    Finished,
    QueueState,
    Refuse,
    Scheduler,
    Shed,
    Start,
    Waiting,
    Wake,
    WorkerState,
    make_scheduler,
)
from server_stub.service_time import ServiceTime
from server_stub.worker import Run, Worker

__all__ = ["Job", "Pool", "PoolState"]

T = TypeVar("T")
PoolState = Literal["loading", "ready", "failed", "draining"]
_MAX_RETRY_AFTER_S = 60
_TIMER_SLACK_S = 0.001  # so that the timer never fires before the deadline is past


class Pool:
    """`workers` engines behind one queue of at most `queue_bound` requests, fewer under overload (`QueueLimit`).

    `intake` counts the bodies from their admission until the pool has no more use for them: while they arrive,
    wait and are worked on. Their bytes are together at most `max_inflight_bytes`.
    `start` returns at once; the model is loaded by other threads, and `on_state` tells when that has ended.

    Of the scheduler's actions `Preempt` is passed over: a thread cannot be stopped, so no `WorkerState.running` is
    told. A worker that has not ended within `infer_timeout_s` is given up and replaced; its thread and what it
    holds are lost until its engine returns, and stay counted by `intake`.
    """

    def __init__(
        self,
        loader: Loader,
        *,
        workers: int,
        queue_bound: int,
        max_inflight_bytes: int,
        infer_timeout_s: float = 30.0,
        scheduler: Scheduler | None = None,
        clock: Clock = time.monotonic,
        on_state: Callable[[PoolState], None] = lambda state: None,
        observer: PoolObserver | None = None,
    ) -> None:
        self._roster = Roster(
            loader,
            size=workers,
            clock=clock,
            on_loaded=self._on_loaded,
            on_hired=self._on_hired,
            on_run=self._on_run,
        )
        self._count = workers
        self.intake = Intake(max_bodies=queue_bound + workers, max_bytes=max_inflight_bytes)
        self._infer_timeout_s = infer_timeout_s
        self._scheduler = make_scheduler() if scheduler is None else scheduler
        self._clock = clock
        self._on_state = on_state
        self._observer = Unobserved() if observer is None else observer
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[int, Job[Any]] = {}
        self._running: dict[int, Batch] = {}
        self._lost: dict[Worker, Batch] = {}
        self._finished: list[Finished] = []
        self._keys = itertools.count()
        self._service = ServiceTime()
        self._limit = QueueLimit(least=workers, most=queue_bound)
        self._alarm = Alarm(self._step)
        self.state: PoolState = "loading"
        self.error: Exception | None = None

    def start(self) -> None:
        """Begin to load. Must be called on the event loop that will use the pool."""
        self._loop = asyncio.get_running_loop()
        self._roster.start()

    @property
    def source(self) -> EngineSource | None:
        """The model that requests started now run on; None until it is found."""
        return self._roster.source

    @property
    def model(self) -> str | None:
        """Its name."""
        return None if self.source is None else self.source.name

    @property
    def loaded(self) -> bool:
        """Whether every worker has had its engine."""
        return self._roster.ready

    async def replace(self, loader: Loader) -> None:
        """Load another model beside the present one, then put its workers in place, each as soon as its
        predecessor is idle. What runs ends on the model that it began on.

        Returns when requests start on the new model. Raises `ModelError` if it cannot be loaded; then nothing has
        changed. The pool must be ready, and one replacement at a time is under way.
        """
        assert self.state == "ready"
        await self._roster.replace(loader)
        for number in range(self._count):
            if number not in self._running:
                self._roster.relieve(number)
        self._service = ServiceTime()  # what the other model took says nothing of this one

    def occupancy(self) -> Occupancy:
        """Return what is taken at this moment."""
        return Occupancy(
            queued=len(self._waiting),
            in_flight=self.intake.bodies,
            limit=min(self.intake.max_bodies, self._limit.bound + self._count),
            held_bytes=self.intake.held_bytes,
            workers=self._count,
            busy_workers=len(self._running),
        )

    def admit(self, due_s: float | None, body_bytes: int = 0) -> Place:
        """Return a place for a body of `body_bytes`, as far as that is known before it is read.

        Whoever gets it must `submit` with it or `leave` it. Raises `RequestError` (503, 504). One whose deadline
        cannot be met even if it came next is refused here, before its body is read.
        """
        if self.state != "ready":
            raise RequestError.not_ready(self.state)
        if due_s is not None and due_s <= self._earliest_end_s(body_bytes):
            raise RequestError.deadline()
        place = self.intake.enter()
        if place is None:
            raise self.overloaded()
        if not place.hold(body_bytes):
            place.leave()
            raise self.overloaded()
        return place

    def submit(
        self,
        task: Task[T],
        *,
        place: Place,
        size_bytes: int,
        due_s: float | None = None,
        battery_frac: float | None = None,
        signal_dbm: float | None = None,
    ) -> Job[T]:
        """Queue the task of an admitted request of this size, and start it if the scheduler says so.

        The job takes over the place. One that was admitted before the server began to drain is in flight, so it
        is still taken.
        """
        assert self._loop is not None
        now_s = self._clock()
        if self._busy or self._waiting:
            service_s = self._service.expected_s(size_bytes)
        else:  # it takes nobody's turn, so it has the benefit of the doubt
            service_s = self._service.surely_s(size_bytes, now_s)
        entry = Waiting(
            key=next(self._keys),
            arrived_s=now_s,
            image_bytes=size_bytes,
            due_s=due_s,
            battery_frac=battery_frac,
            signal_dbm=signal_dbm,
            service_s=service_s,
        )
        job: Job[T] = Job(entry=entry, task=task, place=place, done=self._loop.create_future())
        self._waiting[entry.key] = job
        self._step()
        return job

    def withdraw(self, job: Job[Any]) -> None:
        """Forget a job that nobody waits for. One that runs already runs to its end, unheard."""
        if self._waiting.pop(job.entry.key, None) is not None:
            job.place.leave()
        job.done.cancel()

    def overloaded(self) -> RequestError:
        """What a request is told for which there is no room: to come back when today's queue is empty."""
        wait_s = (len(self._waiting) + 1) * self._service.mean_s / self._count
        return RequestError.overloaded(min(_MAX_RETRY_AFTER_S, max(1, math.ceil(wait_s))))

    def drain(self) -> None:
        """Admit no more requests; those that are in flight go on."""
        if self.state != "failed":
            self.state = "draining"

    async def close(self) -> None:
        """Refuse what still waits and end the workers, waiting a moment for what they have in hand."""
        self.drain()
        self._alarm.cancel()
        for job in self._waiting.values():
            job.settle(RequestError.not_ready("draining"))
        self._waiting.clear()
        await self._roster.stop()

    def _on_loaded(self, error: ModelError | None) -> None:
        if self.state == "loading":
            self.state = "ready" if error is None else "failed"
            self.error = error
            self._on_state(self.state)

    def _on_hired(self, error: Exception | None) -> None:
        if error is not None and not self._roster.workers and self.state == "ready":
            self.state = "failed"
            self.error = ModelError(f"all workers hang, and the model cannot be loaded again: {error}")
            self._on_state(self.state)
        if self._waiting:
            self._step()

    @property
    def _busy(self) -> bool:
        return len(self._running) >= len(self._roster.workers)

    def _earliest_end_s(self, image_bytes: int) -> float:
        """The moment by which a picture that arrived now would be done at the very earliest: started by the first
        worker that is free, before all others that wait, and as quick as one may surely say."""
        now_s = self._clock()
        free_s = now_s
        if self._busy:
            free_s = min((batch.earliest_s for batch in self._running.values()), default=now_s)
        return max(now_s, free_s) + self._service.surely_s(image_bytes, now_s)

    def _step(self) -> None:
        now_s = self._clock()  # looked at once: what came due between two looks would set no alarm
        for batch in tuple(self._running.values()):
            if now_s >= batch.since_s + self._infer_timeout_s:
                self._give_up(batch)
        state = QueueState(
            now_s=now_s,
            waiting=tuple(job.entry for job in self._waiting.values()),
            workers=tuple(self._worker_state(worker, now_s) for worker in self._roster.workers.values()),
            finished=tuple(self._finished),
            bound=self._limit.bound,
        )
        self._finished.clear()
        starts: dict[int, list[Job[Any]]] = {}
        wake_s = math.inf
        for action in self._scheduler.step(state):
            if isinstance(action, Start):
                starts.setdefault(action.worker, []).append(self._waiting[action.key])
            elif isinstance(action, Refuse):
                self._turn_away(action.key, RequestError.deadline())
            elif isinstance(action, Shed):
                self._turn_away(action.key, self.overloaded())
            elif isinstance(action, Wake):
                wake_s = min(wake_s, action.at_s)
        for number, jobs in starts.items():
            self._begin(self._roster.workers[number], jobs, now_s)
        for key in list(self._waiting)[self._limit.bound :]:
            self._turn_away(key, self.overloaded())
        self._limit.observe(
            now_s,
            waiting=len(self._waiting),
            backlog_s=sum(job.entry.service_s for job in self._waiting.values()) / self._count,
            service_s=self._service.mean_s,
        )
        self._alarm.set(now_s, (wake_s, *self._moments_s()))

    def _worker_state(self, worker: Worker, now_s: float) -> WorkerState:
        batch = self._running.get(worker.number)
        if batch is None:
            return WorkerState(number=worker.number, room=worker.room, free_s=now_s)
        return WorkerState(number=worker.number, room=0, free_s=max(now_s, batch.free_s))

    def _turn_away(self, key: int, problem: RequestError) -> None:
        self._observer.refused(problem.code)
        self._waiting.pop(key).settle(problem)

    def _begin(self, worker: Worker, jobs: Sequence[Job[Any]], now_s: float) -> None:
        jobs = in_time_together(jobs, now_s)
        for job in jobs:
            del self._waiting[job.entry.key]
            job.source = worker.source
        self._running[worker.number] = Batch(
            worker=worker,
            jobs=jobs,
            since_s=now_s,
            free_s=now_s + sum(self._service.expected_s(job.entry.image_bytes) for job in jobs),
            earliest_s=now_s + self._service.surely_s(jobs[0].entry.image_bytes, now_s),
        )
        worker.give([job.task for job in jobs])
        self._observer.started([now_s - job.entry.arrived_s for job in jobs])

    def _on_run(self, worker: Worker, run: Run) -> None:
        lost = self._lost.pop(worker, None)
        if lost is not None:
            for job in lost.jobs:
                job.place.leave()
            return
        batch = self._running.pop(worker.number)
        self._roster.relieve(worker.number)
        now_s = self._clock()
        share_s = run.service_s / len(batch.jobs)
        self._observer.finished(run.service_s)
        for job, result in zip(batch.jobs, run.results, strict=True):
            if not isinstance(result, Exception):  # one that failed is quick, and says nothing of the next
                self._service.learn(job.entry.image_bytes, share_s, now_s)
            self._finished.append(Finished(key=job.entry.key, worker=worker.number, service_s=share_s))
            job.settle(self.overloaded() if isinstance(result, MemoryError) else result)
        if self._waiting:
            self._step()

    def _moments_s(self) -> Iterator[float]:
        """When something is to be done though nothing happens: a worker must be given up; a request can only just
        make its deadline, and has missed it."""
        for batch in self._running.values():
            yield batch.since_s + self._infer_timeout_s
        for job in self._waiting.values():
            due_s = job.entry.due_s
            if due_s is not None:
                yield due_s - job.entry.service_s + _TIMER_SLACK_S
                yield due_s + _TIMER_SLACK_S

    def _give_up(self, batch: Batch) -> None:
        del self._running[batch.worker.number]
        self._lost[batch.worker] = batch
        self._roster.give_up(batch.worker)
        for job in batch.jobs:
            job.fail(RuntimeError(f"a worker has not ended within {self._infer_timeout_s:g} s and was replaced"))
