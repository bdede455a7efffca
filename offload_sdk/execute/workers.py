"""A few reusable daemon threads, for calls that may have to be left behind. Knows nothing of HTTP.

`concurrent.futures` is not used because its threads are joined when the interpreter exits: one thread stuck in
a name lookup on a dead network would hold up the exit for half a minute.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Task", "Workers"]

T = TypeVar("T")
_logger = logging.getLogger("offload_sdk")


class Task(Generic[T]):
    """A call handed to a worker. `wait` tells whether it has ended; `result` returns or raises what it did."""

    def __init__(self, call: Callable[[], T]) -> None:
        self._call: Callable[[], T] | None = call  # None once begun, or cancelled before that
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._next: list[Callable[[Task[T]], object]] = []
        self._value: T | None = None
        self._error: BaseException | None = None

    @property
    def ended(self) -> bool:
        return self._ended.is_set()

    @property
    def raised(self) -> bool:
        return self._error is not None

    def wait(self, timeout_s: float | None) -> bool:
        return self._ended.wait(timeout_s)

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value  # type: ignore[return-value]  # set before _ended is

    def cancel(self) -> bool:
        """Have the call never begin; false if it has. A cancelled task never ends."""
        return self._take() is not None

    def then(self, act: Callable[[Task[T]], object]) -> None:
        """Call `act` with this task as soon as it has ended: in the worker, or here and now if that was before."""
        with self._lock:
            if not self._ended.is_set():
                self._next.append(act)
                return
        act(self)

    def perform(self) -> None:
        call = self._take()
        if call is None:
            return
        try:
            self._value = call()
        except BaseException as error:  # handed to the one who asks for the result
            self._error = error
        finally:
            with self._lock:
                self._ended.set()
                following, self._next = self._next, []
            try:
                for act in following:
                    act(self)
            except Exception:
                _logger.exception("what follows a call in the background failed")

    def _take(self) -> Callable[[], T] | None:
        """Return the call to the first who asks; a task holds on to nothing that it will not need."""
        with self._lock:
            call, self._call = self._call, None
        return call


class Workers:
    """At most `limit` threads, started when needed, and at most `backlog` calls that wait for one."""

    def __init__(self, limit: int, name: str, *, backlog: int = 0) -> None:
        self._limit = limit
        self._backlog = backlog
        self._name = name
        self._tasks: queue.SimpleQueue[Task[object] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._busy = 0
        self._closed = False
        self._idle = threading.Condition(self._lock)

    def submit(self, call: Callable[[], T]) -> Task[T] | None:
        """Start the call and return its task, or None if there is no room (or after `close`)."""
        task = Task(call)
        with self._lock:
            if self._closed or self._busy >= self._limit + self._backlog:
                return None
            if self._threads < min(self._busy + 1, self._limit):
                name = f"{self._name}-{self._threads + 1}"
                try:
                    threading.Thread(target=self._work, name=name, daemon=True).start()
                except RuntimeError:  # the system has no thread left; those that run may still serve
                    if not self._threads:
                        return None
                else:
                    self._threads += 1
            self._busy += 1
        self._tasks.put(task)  # type: ignore[arg-type]  # a Task of any result
        return task

    def start(self, call: Callable[[], T]) -> Task[T]:
        """Start the call in a thread, or, where none is to be had, perform it before returning."""
        task = self.submit(call)
        if task is None:
            task = Task(call)
            task.perform()
        return task

    def close(self) -> None:
        """Let the threads end as soon as each has ended its call. Does not wait."""
        with self._lock:
            self._closed = True
            for _ in range(self._threads):
                self._tasks.put(None)

    def join(self, timeout_s: float) -> bool:
        """Wait until no call is running; return whether that came true in time."""
        with self._idle:
            return self._idle.wait_for(lambda: self._busy == 0, timeout_s)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            task.perform()
            del task  # let go of what the call referred to
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()
