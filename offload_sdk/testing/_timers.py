"""Calling back at a time of a given clock, as punctually as the machine allows. No sockets."""

from __future__ import annotations

import asyncio
import contextlib
import select
import selectors
import time
from collections.abc import Callable

from offload_sdk.typing import Clock

_POLL_S = 0.002  # how often a clock that is not the real one is looked at
_MOST_LEAD_S = 0.0005
_LEAD_STEP_S = 0.00001


class Timers:
    """Timers of an event loop on `clock`.

    A real timer fires late, by a tenth of a millisecond or so, and always late. Timers that are called with
    `on_time` are therefore set early by the median of how late they have been (kept by one small step up or
    down at each; at most half a millisecond), so that they are late and early equally often.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._real = clock is time.monotonic
        self._loop = asyncio.get_running_loop()
        self._lead_s = 0.0001

    def call_when(
        self, due_s: float, callback: Callable[[], None], *, on_time: bool = False
    ) -> asyncio.TimerHandle:
        """Call at `due_s`; with an unreal clock also earlier: the callback looks at the time and asks again."""
        wait_s = max(due_s - self.clock(), 0.0)
        if not self._real:
            return self._loop.call_later(min(wait_s, _POLL_S), callback)
        if not on_time:
            return self._loop.call_later(wait_s, callback)

        def fire() -> None:
            late = self.clock() > due_s
            self._lead_s = min(max(self._lead_s + (_LEAD_STEP_S if late else -_LEAD_STEP_S), 0.0), _MOST_LEAD_S)
            callback()

        return self._loop.call_later(max(wait_s - self._lead_s, 0.0), fire)

    def due_by_s(self) -> float:
        """What is due at this time or before may be done now: the present, and what timers are set early."""
        return self.clock() + (self._lead_s + _LEAD_STEP_S if self._real else 0.0)

    def seen_s(self) -> float:
        """When what is being read probably came: waking up for it took as long as waking up for a timer."""
        return self.clock() - (self._lead_s if self._real else 0.0)


def precise_selector() -> selectors.BaseSelector:
    """A selector that wakes up within a fraction of a millisecond.

    epoll counts in whole milliseconds, which is several per cent of a short request. select counts in
    microseconds, and an epoll descriptor can itself be selected.
    """
    if not hasattr(selectors, "EpollSelector"):
        return selectors.DefaultSelector()

    class PreciseSelector(selectors.EpollSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            if timeout is not None and timeout > 0.0:
                with contextlib.suppress(ValueError):  # a descriptor above 1023: epoll has to wait itself
                    select.select([self.fileno()], [], [], timeout)
                    timeout = 0.0
            return super().select(timeout)

    return PreciseSelector()
