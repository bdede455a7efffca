"""One timer of the event loop for many moments. Knows nothing of what happens at them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable

__all__ = ["Alarm"]


class Alarm:
    """Calls `ring` once, at the earliest of the moments that it was given since it rang last.

    Who is called looks at what is due and gives the next moments: one that no longer counts costs a call.
    """

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._handle: asyncio.TimerHandle | None = None
        self._at_s = math.inf

    def set(self, now_s: float, moments_s: Iterable[float]) -> None:
        """Moments that are past are passed over. To be called on the event loop."""
        at_s = min((moment_s for moment_s in moments_s if moment_s > now_s), default=math.inf)
        if at_s < self._at_s:
            self.cancel()
            self._at_s = at_s
            self._handle = asyncio.get_running_loop().call_later(at_s - now_s, self._on_time)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._at_s = None, math.inf

    def _on_time(self) -> None:
        self._handle, self._at_s = None, math.inf
        self._ring()
