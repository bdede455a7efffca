"""Loads the model anew while the server serves, one at a time. Knows no signal and no HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from offload_sdk.errors import ModelError
from server_stub.engine import Loader
from server_stub.logs import logger
from server_stub.pool import Pool

__all__ = ["Reloader"]


class Reloader:
    """Replaces the pool's model by what `loader` finds by then. `reloaded` is told how each ended."""

    def __init__(
        self, pool: Pool, loader: Loader, *, reloaded: Callable[[Literal["replaced", "failed"]], None]
    ) -> None:
        self._pool = pool
        self._loader = loader
        self._reloaded = reloaded
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def ask(self) -> None:
        """Begin to load, or once more after what is loading now, which may have looked too early. To be called
        on the event loop."""
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._run())
        else:
            self._again = True

    async def close(self) -> None:
        """Give up what is loading."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _run(self) -> None:
        await self._replace()
        while self._again:
            self._again = False
            await self._replace()

    async def _replace(self) -> None:
        if self._pool.state != "ready":
            logger.warning("the model is not loaded anew: the server is %s", self._pool.state)
            return
        before = self._pool.model
        try:
            await self._pool.replace(self._loader)
        except ModelError as error:
            logger.error("the model %s stays in use: %s", before, error)
            self._reloaded("failed")
        else:
            logger.info("requests start on the model %s now, loaded anew (%s before)", self._pool.model, before)
            self._reloaded("replaced")
