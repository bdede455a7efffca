"""Which cores the servers and the load have: apart wherever there are two. Measures nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import psutil

__all__ = ["Cores", "divide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cores:
    """Numbers of cores; empty where the system cannot bind a process to cores, and then nothing is bound."""

    server: tuple[int, ...]
    load: tuple[int, ...]
    count: int

    @property
    def apart(self) -> bool:
        return bool(self.server) and not set(self.server) & set(self.load)

    @contextlib.contextmanager
    def bound(self, cores: tuple[int, ...]) -> Iterator[None]:
        """Binds this thread, and the processes that it starts, for a while."""
        before = os.sched_getaffinity(0) if cores else set()
        _bind(cores)
        try:
            yield
        finally:
            _bind(before)

    @contextlib.contextmanager
    def loader(self) -> Iterator[Executor]:
        """One process that sends the load, on its own core; enter it before this process is bound elsewhere."""
        with ProcessPoolExecutor(
            1, mp_context=get_context("spawn"), initializer=_bind, initargs=(self.load,)
        ) as pool:
            pool.submit(int).result()
            yield pool

    def __str__(self) -> str:
        if not self.server:
            return f"{self.count} cores for all, as this system binds no process"
        servers, load = (",".join(map(str, cores)) for cores in (self.server, self.load))
        return f"servers on core {servers}, load from core {load}" + ("" if self.apart else " (shared)")


def divide(server_cores: int | None) -> Cores:
    """The first cores for the servers and the last for the load; `server_cores` None: all but one."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(server=(), load=(), count=server_cores or psutil.cpu_count() or 1)
    usable = sorted(os.sched_getaffinity(0))
    count = min(server_cores or max(1, len(usable) - 1), len(usable))
    return Cores(server=tuple(usable[:count]), load=(usable[-1],), count=count)


def _bind(cores: Collection[int]) -> None:
    """Bind this thread, and what it starts from now on, to these cores; leave it as it is if there are none."""
    if cores:
        os.sched_setaffinity(0, cores)
