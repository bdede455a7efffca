"""One thread with one engine: takes jobs from its inbox, reports each end. Chooses nothing and answers nobody."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue

from server_stub.engine import EngineSource, Task

__all__ = ["Report", "Worker"]

Report = Callable[[int, object], None]


class Worker:
    """Runs tasks one after the other on its own thread, which `start` starts.

    The engine of `source` is made on that thread, as an interpreter belongs to the thread that uses it. `loaded`
    is called once, with None or the error, and `report` with the worker's number and the result or the error of
    each task; both from the worker's thread. The thread is a daemon: an engine that hangs does not keep the
    process.
    """

    def __init__(
        self,
        number: int,
        source: EngineSource,
        *,
        loaded: Callable[[Exception | None], None],
        report: Report,
    ) -> None:
        self.source = source
        self._number = number
        self._loaded = loaded
        self._report = report
        self._inbox: SimpleQueue[Task[object] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"offload-worker-{number}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def give(self, task: Task[object]) -> None:
        self._inbox.put(task)

    def stop(self) -> None:
        """End the thread after the task that it has now."""
        self._inbox.put(None)

    def join(self, timeout_s: float) -> None:
        self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            engine = self.source.engine()
        except Exception as error:
            self._loaded(error)
            return
        self._loaded(None)
        while (task := self._inbox.get()) is not None:
            try:
                result = task(engine)
            except Exception as error:
                result = error
            self._report(self._number, result)
            del task, result  # an idle worker keeps no picture
