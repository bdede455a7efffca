"""Where the page's pictures are classified: a few at a time, each in a thread of its own. No HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Any, TypeVar

from offload_sdk._assembly import log_of, policy_of
from offload_sdk._config import OffloadConfig
from offload_sdk._offloader import Offloader
from offload_sdk.execute.workers import Task, Workers
from offload_sdk.ui.documents import image_document, status_document
from offload_sdk.ui.recent import Recent
from offload_sdk.ui.steered import Steered, Way, way

__all__ = ["BusyError", "Desk"]

T = TypeVar("T")
_AT_ONCE = 2  # so that one that waits for a slow link does not hold up one that is for the device
_WAITING = 8
_GRACE_S = 2.0


class BusyError(Exception):
    """So many pictures are at hand already that one more is not taken."""


class Desk:
    """An `Offloader` whose way can be chosen per picture, and what its last pictures took."""

    def __init__(self, config: OffloadConfig) -> None:
        self.config = config
        self._recent = Recent(log_of(config))
        policy = Steered(policy_of(config, random.Random(config.seed)))
        self._offloader = Offloader(config, policy=policy, log=self._recent)
        self._workers = Workers(_AT_ONCE, "offload-ui", backlog=_WAITING)
        self._readers = Workers(1, "offload-ui-status", backlog=_WAITING)

    async def classify(self, image: bytes, wanted: Way) -> dict[str, Any]:
        """Return the picture's document. Raises `BusyError`, and what `Offloader.classify` raises."""
        return await _awaited(self._workers, lambda: self._classify(image, wanted))

    async def state(self, since: int) -> dict[str, Any]:
        """Return the device's status and the pictures that have changed after version `since`."""
        return await _awaited(self._readers, lambda: self._state(since))

    def close(self) -> None:
        self._workers.close()
        self._readers.close()
        self._offloader.close()

    def _classify(self, image: bytes, wanted: Way) -> dict[str, Any]:
        token = way.set(wanted)
        try:
            result = self._offloader.classify(image)
        finally:
            way.reset(token)
        wait_s = self.config.remote_timeout_s + _GRACE_S if wanted == "both" else 0.0
        entry = self._recent.complete(result.request_id, wait_s)
        assert entry is not None, "more pictures at once than are remembered"
        return {**image_document(entry.version, entry.record), "failure": result.failure}

    def _state(self, since: int) -> dict[str, Any]:
        version, changed = self._recent.since(since)
        return {
            "version": version,
            "status": status_document(self._offloader.status()),
            "images": [image_document(entry.version, entry.record) for entry in changed],
        }


async def _awaited(workers: Workers, call: Callable[[], T]) -> T:
    """Perform the call in a thread that the process's end does not wait for."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(task: Task[T]) -> None:
        if future.done():  # nobody waits any more
            return
        try:
            future.set_result(task.result())
        except Exception as error:
            future.set_exception(error)

    def hand_over(task: Task[T]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, task)

    task = workers.submit(call)
    if task is None:
        raise BusyError
    task.then(hand_over)
    return await future
