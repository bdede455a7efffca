"""The queue and the workers: performs what the scheduler says, on the event loop's thread.

All state is touched by that one thread, so nothing here is locked; the workers report through
`call_soon_threadsafe`. No HTTP, and no opinion on who is next: that is the scheduler's.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from offload_sdk.errors import InvalidImageError, ModelError
from server_stub.crew import Crew
from server_stub.engine import Clock, EngineSource, Loader, Task
from server_stub.intake import Intake, Place
from server_stub.observer import Occupancy, PoolObserver, Unobserved
from server_stub.problems import RequestError
from server_stub.scheduling import Fcfs, QueueState, Refuse, Scheduler, Start, Waiting, WorkerState
from server_stub.worker import Worker

__all__ = ["Job", "Pool", "PoolState"]

T = TypeVar("T")
PoolState = Literal["loading", "ready", "failed", "draining"]
_MEAN_GAIN = 0.1
_MAX_RETRY_AFTER_S = 60
_TIMER_SLACK_S = 0.001  # so that the timer never fires before the deadline is past


@dataclass(slots=True, kw_only=True, eq=False)
class Job(Generic[T]):
    """One task on its way. `done` gives its result or raises; `queue_s` and `source`, the model that it
    runs on, are None until it runs."""

    entry: Waiting
    task: Task[T]
    place: Place
    done: asyncio.Future[T]
    queue_s: float | None = None
    source: EngineSource | None = None
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    @property
    def started(self) -> bool:
        return self.queue_s is not None


class Pool:
    """`workers` engines behind one queue of at most `queue_bound` requests.

    `intake` counts the bodies from their admission until the pool has no more use for them: while they arrive,
    wait and are worked on. Their bytes are together at most `max_inflight_bytes`.
    `start` returns at once; the model is loaded by other threads, and `on_state` tells when that has ended.
    """

    def __init__(
        self,
        loader: Loader,
        *,
        workers: int,
        queue_bound: int,
        max_inflight_bytes: int,
        scheduler: Scheduler | None = None,
        clock: Clock = time.monotonic,
        on_state: Callable[[PoolState], None] = lambda state: None,
        observer: PoolObserver | None = None,
    ) -> None:
        self._count = workers
        self.intake = Intake(max_bodies=queue_bound + workers, max_bytes=max_inflight_bytes)
        self._scheduler = Fcfs() if scheduler is None else scheduler
        self._clock = clock
        self._on_state = on_state
        self._observer = Unobserved() if observer is None else observer
        self._loop: asyncio.AbstractEventLoop | None = None
        self._crew = self._new_crew(loader, self._on_loaded)
        self._coming: Crew | None = None
        self._workers: list[Worker] = []
        self._idle: set[int] = set()
        self._waiting: dict[int, Job[Any]] = {}
        self._running: dict[int, tuple[Job[Any], float]] = {}
        self._keys = itertools.count()
        self._mean_service_s = 0.0
        self.state: PoolState = "loading"
        self.error: Exception | None = None

    def start(self) -> None:
        """Begin to load. Must be called on the event loop that will use the pool."""
        self._loop = asyncio.get_running_loop()
        self._crew.start()

    @property
    def loaded(self) -> bool:
        """Whether every worker has its engine."""
        return self._crew.ready

    @property
    def source(self) -> EngineSource | None:
        """The model that requests started now run on; None until it is found."""
        return self._crew.source

    @property
    def model(self) -> str | None:
        """Its name."""
        return None if self.source is None else self.source.name

    async def replace(self, loader: Loader) -> None:
        """Load another model beside the present one, then put its workers in place, each as soon as its
        predecessor is idle. What runs ends on the model that it began on.

        Returns when requests start on the new model. Raises `ModelError` if it cannot be loaded; then nothing has
        changed. The pool must be ready, and one replacement at a time is under way.
        """
        assert self._loop is not None
        assert self.state == "ready"
        assert self._coming is None
        settled: asyncio.Future[ModelError | None] = self._loop.create_future()
        self._coming = self._new_crew(loader, settled.set_result)
        self._coming.start()
        try:
            error = await settled
            if error is not None:
                raise error
            self._crew = self._coming
        finally:
            if self._crew is not self._coming:
                self._coming.stop()
            self._coming = None
        for number in self._idle:
            self._relieve(number)

    def occupancy(self) -> Occupancy:
        """Return what is taken at this moment."""
        return Occupancy(
            queued=len(self._waiting),
            in_flight=self.intake.bodies,
            limit=self.intake.max_bodies,
            held_bytes=self.intake.held_bytes,
            busy_workers=len(self._running),
        )

    def admit(self, due_s: float | None, body_bytes: int = 0) -> Place:
        """Return a place for a body of `body_bytes`, as far as that is known before it is read.

        Whoever gets it must `submit` with it or `leave` it. Raises `RequestError` (503, 504).
        """
        if self.state != "ready":
            raise RequestError.not_ready(self.state)
        if due_s is not None and due_s <= self._clock():
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
        """Queue the task of an admitted request, of `size_bytes` of input; start it if the scheduler says so.

        The job takes over the place. One that was admitted before the server began to drain is in flight, so it
        is still taken.
        """
        assert self._loop is not None
        now_s = self._clock()
        entry = Waiting(
            key=next(self._keys),
            arrived_s=now_s,
            image_bytes=size_bytes,
            due_s=due_s,
            battery_frac=battery_frac,
            signal_dbm=signal_dbm,
        )
        job = Job(entry=entry, task=task, place=place, done=self._loop.create_future())
        self._waiting[entry.key] = job
        self._step()
        if due_s is not None and entry.key in self._waiting:
            job.timer = self._loop.call_later(due_s - now_s + _TIMER_SLACK_S, self._step)
        return job

    def withdraw(self, job: Job[Any]) -> None:
        """Forget a job that nobody waits for. One that runs already runs to its end, unheard."""
        if self._waiting.pop(job.entry.key, None) is not None:
            job.place.leave()
            if job.timer is not None:
                job.timer.cancel()
        job.done.cancel()

    def overloaded(self) -> RequestError:
        """What a request is told for which there is no room."""
        return RequestError.overloaded(self._retry_after_s())

    def drain(self) -> None:
        """Admit no more requests; those that are in flight go on."""
        if self.state != "failed":
            self.state = "draining"

    async def close(self) -> None:
        """Refuse what still waits and end the workers, waiting a moment for what they have in hand."""
        self.drain()
        for job in list(self._waiting.values()):
            self._settle(job, RequestError.not_ready("draining"))
        self._waiting.clear()
        for crew in (self._crew, self._coming):
            if crew is not None:
                crew.stop()
        for worker in self._workers:  # some may still be of the model before
            worker.stop()
        join_s = 1.0 / max(1, len(self._workers))
        for worker in self._workers:
            await asyncio.to_thread(worker.join, join_s)

    def _new_crew(self, loader: Loader, settled: Callable[[ModelError | None], None]) -> Crew:
        return Crew(
            loader,
            size=self._count,
            call=self._call,
            settled=settled,
            report=lambda number, result: self._call(self._on_result, number, result),
        )

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Run the function on the event loop; the only method that other threads use."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has gone, nobody listens
            self._loop.call_soon_threadsafe(function, *arguments)

    def _on_loaded(self, error: ModelError | None) -> None:
        if error is None:
            self._workers = list(self._crew.workers)
            self._idle.update(range(self._count))
        if self.state == "loading":
            self.state = "ready" if error is None else "failed"
            self.error = error
            self._on_state(self.state)

    def _relieve(self, number: int) -> None:
        """Let the worker go that has nothing in hand, if it is of a model that was replaced."""
        if self._workers[number] is not self._crew.workers[number]:
            self._workers[number].stop()
            self._workers[number] = self._crew.workers[number]

    def _step(self) -> None:
        now_s = self._clock()
        state = QueueState(
            now_s=now_s,
            waiting=tuple(job.entry for job in self._waiting.values()),
            workers=[
                WorkerState(number=number, room=int(number in self._idle)) for number in range(len(self._workers))
            ],
        )
        for action in self._scheduler.step(state):
            if not isinstance(action, (Start, Refuse)):
                continue
            job = self._waiting.pop(action.key)
            if job.timer is not None:
                job.timer.cancel()
            if isinstance(action, Refuse):
                problem = RequestError.deadline()
                self._observer.refused(problem.code)
                self._settle(job, problem)
            else:
                self._begin(action, job, now_s)

    def _begin(self, action: Start, job: Job[Any], now_s: float) -> None:
        self._idle.remove(action.worker)
        self._running[action.worker] = job, now_s
        job.queue_s = now_s - job.entry.arrived_s
        worker = self._workers[action.worker]
        job.source = worker.source
        worker.give(job.task)
        self._observer.started((job.queue_s,))

    def _on_result(self, number: int, result: object) -> None:
        job, started_s = self._running.pop(number)
        self._idle.add(number)
        self._relieve(number)
        service_s = self._clock() - started_s
        self._mean_service_s += (service_s - self._mean_service_s) * (_MEAN_GAIN if self._mean_service_s else 1.0)
        self._observer.finished(service_s)
        self._settle(job, result)
        if self._waiting:
            self._step()

    def _settle(self, job: Job[Any], result: object) -> None:
        job.place.leave()
        if job.done.done():
            return
        if isinstance(result, InvalidImageError):
            job.done.set_exception(RequestError.invalid_image(str(result)))
        elif isinstance(result, Exception):
            job.done.set_exception(result)
        else:
            job.done.set_result(result)

    def _retry_after_s(self) -> int:
        """The time in which today's queue empties, in whole seconds as `Retry-After` wants them."""
        wait_s = (len(self._waiting) + 1) * self._mean_service_s / self._count
        return min(_MAX_RETRY_AFTER_S, max(1, math.ceil(wait_s)))
