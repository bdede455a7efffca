"""One thread with one engine: takes tasks from its inbox, reports each end. Chooses nothing, answers nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from server_stub.engine import BatchEngine, Clock, Engine, EngineSource, Task

__all__ = ["Report", "Run", "Worker"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What the tasks came to that a worker got together, each its result or its exception, and the seconds."""

    results: Sequence[Any]
    service_s: float


class Worker:
    """Runs what it is given, one after the other, on its own thread, which `start` starts.

    The engine of `source` is made on that thread, as an interpreter belongs to the thread that uses it. `loaded`
    is called once, with None or the error, and `report` with the worker for each `give`; both from its thread.
    The thread is a daemon: Python cannot stop one whose engine hangs, but it does not keep the process either.
    """

    def __init__(
        self,
        number: int,
        source: EngineSource,
        *,
        clock: Clock,
        loaded: Callable[[Exception | None], None],
        report: Report,
    ) -> None:
        self.number = number
        self.source = source
        self.room = 1
        self._clock = clock
        self._loaded = loaded
        self._report = report
        self._inbox: SimpleQueue[Sequence[Task[Any]] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"offload-worker-{number}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give(self, tasks: Sequence[Task[Any]]) -> None:
        """Run these together; more than one only if there is `room`."""
        self._inbox.put(tasks)

    def stop(self) -> None:
        """End the thread after what it has now."""
        self._inbox.put(None)

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            engine = self.source.engine()
        except Exception as error:
            self._loaded(error)
            return
        if isinstance(engine, BatchEngine):
            self.room = engine.room
        self._loaded(None)
        while (tasks := self._inbox.get()) is not None:
            began_s = self._clock()
            results = _run(engine, tasks)
            self._report(self, Run(results=results, service_s=self._clock() - began_s))
            del tasks, results  # an idle worker keeps no picture


Report = Callable[[Worker, Run], None]


def _run(engine: Engine, tasks: Sequence[Task[Any]]) -> Sequence[Any]:
    """Whatever an engine raises, even to end its thread, is the end of these tasks and not of the worker."""
    try:
        if len(tasks) == 1:
            return [tasks[0](engine)]
        assert isinstance(engine, BatchEngine)
        results = engine.run(tasks)
        assert len(results) == len(tasks)
        return results
    except Exception as error:
        return [error] * len(tasks)
    except BaseException as error:
        return [RuntimeError(f"the engine raised {error!r}")] * len(tasks)
