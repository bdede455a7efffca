"""Which worker stands at which number now: one model's crew relieves another's, hung workers are replaced.

All of it belongs to the event loop's thread but `_call`. Knows no queue and no request.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from offload_sdk.errors import ModelError
from server_stub.crew import Crew
from server_stub.engine import Clock, EngineSource, Loader
from server_stub.worker import Run, Worker

__all__ = ["Roster"]

_JOIN_S = 1.0


class Roster:
    """`workers` holds, by number, those that can be given pictures; at most `size`.

    `on_loaded` tells once how the first loading ended, `on_hired` how the replacement of a lost worker did, and
    `on_run` what came of what a worker was given, a lost one's too.
    """

    def __init__(
        self,
        loader: Loader,
        *,
        size: int,
        clock: Clock,
        on_loaded: Callable[[ModelError | None], None],
        on_hired: Callable[[Exception | None], None],
        on_run: Callable[[Worker, Run], None],
    ) -> None:
        self._size = size
        self._clock = clock
        self._on_loaded = on_loaded
        self._on_hired = on_hired
        self._on_run = on_run
        self._loop: asyncio.AbstractEventLoop | None = None
        self._crew = self._new_crew(loader, self._on_first_crew)
        self._coming: Crew | None = None
        self.workers: dict[int, Worker] = {}

    def start(self) -> None:
        """Begin to load the model; returns at once."""
        self._loop = asyncio.get_running_loop()
        self._crew.start()

    @property
    def ready(self) -> bool:
        """Whether every worker has had its engine."""
        return self._crew.ready

    @property
    def source(self) -> EngineSource | None:
        """The model that `relieve` puts in place; None until it is found."""
        return self._crew.source

    async def replace(self, loader: Loader) -> None:
        """Load another model beside the present one. From then on `relieve` puts its workers in place.

        Raises `ModelError` if it cannot be loaded; then nothing has changed. One replacement at a time.
        """
        assert self._loop is not None
        assert self._coming is None
        settled: asyncio.Future[ModelError | None] = self._loop.create_future()

        def settle(error: ModelError | None) -> None:
            if not settled.done():  # who asked may have been cancelled meanwhile
                settled.set_result(error)

        self._coming = self._new_crew(loader, settle)
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

    def relieve(self, number: int) -> None:
        """Let the worker go that has nothing in hand, if it is of a model that was replaced."""
        worker, successor = self.workers.get(number), self._crew.workers[number]
        if worker is not successor:
            if worker is not None:
                worker.stop()
            self.workers[number] = successor

    def give_up(self, worker: Worker) -> None:
        """Replace a worker that hangs. Its thread, engine and pictures cannot be taken from it: it ends, and they
        go, if the engine ever returns."""
        worker.stop()
        del self.workers[worker.number]
        if worker is self._crew.workers[worker.number]:
            self._crew.hire(worker.number, self._on_worker)
        else:  # another model's worker stands by
            self.relieve(worker.number)

    async def stop(self) -> None:
        """End the workers, waiting a moment for what they have in hand."""
        for crew in (self._crew, self._coming):
            if crew is not None:
                crew.stop()
        for worker in self.workers.values():  # some may still be of the model before
            worker.stop()
        for worker in self.workers.values():
            await asyncio.to_thread(worker.join, _JOIN_S / self._size)

    def _new_crew(self, loader: Loader, settled: Callable[[ModelError | None], None]) -> Crew:
        return Crew(
            loader,
            size=self._size,
            clock=self._clock,
            call=self._call,
            settled=settled,
            report=lambda worker, run: self._call(self._on_run, worker, run),
        )

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Run the function on the event loop; the only method that other threads use."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop is closed: the server has gone, nobody listens
            self._loop.call_soon_threadsafe(function, *arguments)

    def _on_first_crew(self, error: ModelError | None) -> None:
        if error is None:
            self.workers = {worker.number: worker for worker in self._crew.workers}
        self._on_loaded(error)

    def _on_worker(self, worker: Worker, error: Exception | None) -> None:
        if worker.number in self.workers:  # another model's worker has come meanwhile
            worker.stop()
            return
        if error is None:
            self.workers[worker.number] = worker
        self._on_hired(error)
