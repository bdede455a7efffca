"""The workers of one model, from the search for it to the end of their threads. No queue, no opinion on work."""

from __future__ import annotations

import threading
from collections.abc import Callable

from offload_sdk.errors import ModelError
from server_stub.engine import Clock, EngineSource, Loader
from server_stub.worker import Report, Worker

__all__ = ["Crew"]


class Crew:
    """`size` workers with an engine each of the model that `loader` finds.

    `start` returns at once: a thread looks for the model, and each worker makes its engine on its own. Then
    `settled` is called once, with None or what went wrong; `stop` before that means that it is not called at
    all. `call` runs a function on the event loop's thread, the only one that may use a crew; `report` is
    passed to the workers, which `clock` times.
    """

    def __init__(
        self,
        loader: Loader,
        *,
        size: int,
        clock: Clock,
        call: Callable[..., None],
        settled: Callable[[ModelError | None], None],
        report: Report,
    ) -> None:
        self._loader = loader
        self._size = size
        self._clock = clock
        self._call = call
        self._settled = settled
        self._report = report
        self._ready = 0
        self._stopped = False
        self.source: EngineSource | None = None
        self.workers: tuple[Worker, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether every worker has its engine."""
        return self._ready == self._size

    def start(self) -> None:
        threading.Thread(target=self._load, name="offload-loader", daemon=True).start()

    def stop(self) -> None:
        """End the workers, each after the task that it has now."""
        self._stopped = True
        for worker in self.workers:
            worker.stop()

    def hire(self, number: int, hired: Callable[[Worker, Exception | None], None]) -> None:
        """Put a new worker in place of one that is lost; `hired` is called once it has its engine or has none."""
        workers = list(self.workers)
        workers[number] = self._hire(number, lambda error: hired(workers[number], error))
        self.workers = tuple(workers)

    def _hire(self, number: int, loaded: Callable[[Exception | None], None]) -> Worker:
        assert self.source is not None
        worker = Worker(
            number,
            self.source,
            clock=self._clock,
            loaded=lambda error: self._call(loaded, error),
            report=self._report,
        )
        worker.start()
        return worker

    def _load(self) -> None:
        try:
            source = self._loader()
        except Exception as error:
            self._call(self._on_failed, error)
            return
        self._call(self._on_source, source)

    def _on_source(self, source: EngineSource) -> None:
        if self._stopped:
            return
        self.source = source
        self.workers = tuple(self._hire(number, self._on_engine) for number in range(self._size))

    def _on_engine(self, error: Exception | None) -> None:
        if error is not None:
            self._on_failed(error)
            return
        self._ready += 1
        if self.ready and not self._stopped:
            self._settled(None)

    def _on_failed(self, error: Exception) -> None:
        if self._stopped:
            return
        self.stop()
        self._settled(
            error if isinstance(error, ModelError) else ModelError(f"the model cannot be loaded: {error}")
        )
