"""The one background thread of an `Offloader`: refreshes the snapshot, runs due probes, does the chores.

What to measure and when to probe is decided elsewhere; only waiting and calling happens here.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable

from offload_sdk._types import Snapshot
from offload_sdk.measure.prober import LinkProber
from offload_sdk.typing import Clock, DeviceProbe

__all__ = ["Monitor"]

REFRESH_S = 2.0
CHORE_S = 30.0
_MIN_WAIT_S = 0.005

_logger = logging.getLogger("offload_sdk")
_started: weakref.WeakSet[Monitor] = weakref.WeakSet()


class _Chore:
    __slots__ = ("due_s", "every_s", "name", "run")

    def __init__(self, name: str, run: Callable[[], object], every_s: float, due_s: float) -> None:
        self.name, self.run, self.every_s, self.due_s = name, run, every_s, due_s


class Monitor:
    """Keeps `snapshot` fresh between `start` and `close`. Once closed it stays closed.

    `clock` is the monotonic clock of all the times; a fake one makes the thread's waits meaningless but not
    its work wrong. Exceptions of the device, the prober and the chores are logged once per source.
    """

    def __init__(
        self,
        device: DeviceProbe,
        *,
        prober: LinkProber | None = None,
        clock: Clock = time.monotonic,
        refresh_s: float = REFRESH_S,
    ) -> None:
        self._device = device
        self._prober = prober
        self._clock = clock
        self._snapshot = Snapshot(taken_s=clock())
        self._chores = [_Chore("reading of the device", self._refresh, refresh_s, clock() + refresh_s)]
        self._probe_s: float | None = None
        self._failed: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._running = False
        self._closed = False

    @property
    def snapshot(self) -> Snapshot:
        """The last reading. Costs two attribute reads; in a forked child the first use starts the thread again."""
        if self._thread is None and self._running:
            self._start_thread()
        return self._snapshot

    def add_chore(self, name: str, run: Callable[[], object], every_s: float = CHORE_S) -> None:
        """Call `run` on the monitor's thread every `every_s` seconds, first after that time."""
        with self._lock:
            self._chores.append(_Chore(name, run, every_s, self._clock() + every_s))
        self._wake.set()

    def start(self) -> None:
        """Read the device once, here and now, then go on in the background."""
        if not self._running and not self._closed:
            self._running = True
            self._run("reading of the device", self._refresh)
            self._start_thread()

    def poke(self) -> None:
        """Let the thread look at once for what is due (a probe after `set_down`, for example)."""
        self._wake.set()

    def close(self, timeout_s: float = 0.9) -> None:
        """Stop the thread. Waits at most `timeout_s`, as a probe may block; the thread then ends by itself."""
        self._running, self._closed = False, True
        self._wake.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s)
        self._thread = None

    def _start_thread(self) -> None:
        with self._lock:
            if self._thread is None and self._running:
                self._thread = threading.Thread(target=self._loop, name="offload-monitor", daemon=True)
                _started.add(self)
                self._thread.start()

    def _loop(self) -> None:
        while self._running:
            self._wake.wait(self._step())
            self._wake.clear()

    def _step(self) -> float:
        """Do all that is due and return the seconds until there is more."""
        with self._lock:
            chores = list(self._chores)
        for chore in chores:
            if chore.due_s <= self._clock():
                self._run(chore.name, chore.run)
                # From now, not from when it was due: after a suspend the past is not caught up with.
                chore.due_s = self._clock() + chore.every_s
            if not self._running:
                return 0.0
        self._probe_s = None
        self._run("probing of the links", self._probe)
        wake_s = min(chore.due_s for chore in chores)
        if self._probe_s is not None:
            wake_s = min(wake_s, self._probe_s)
        return max(_MIN_WAIT_S, wake_s - self._clock())

    def _refresh(self) -> None:
        self._snapshot = self._device.read()

    def _probe(self) -> None:
        if self._prober is not None:
            try:
                self._prober.run_due()
            finally:
                self._probe_s = self._prober.wake_s()

    def _run(self, name: str, call: Callable[[], object]) -> None:
        try:
            call()
        # The thread outlives every fault of what it calls; the images do not wait for it.
        except Exception:
            if name not in self._failed:
                self._failed.add(name)
                _logger.exception("the %s failed; it is tried again, further failures are not logged", name)

    def _after_fork(self) -> None:
        self._thread = None
        self._lock = threading.Lock()
        self._wake = threading.Event()
        if self._prober is not None:
            self._prober.after_fork()


def _renew_after_fork() -> None:
    for monitor in list(_started):
        monitor._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_after_fork)
