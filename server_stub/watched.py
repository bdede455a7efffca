"""A value made of files, made anew when they change: tokens and certificates without a restart. No threads: it
looks when it is asked."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from offload_sdk.errors import ConfigurationError
from server_stub.engine import Clock
from server_stub.logs import logger

__all__ = ["Watched", "warn_of_others"]

T = TypeVar("T")
_LOOK_EVERY_S = 1.0
_Stamp = tuple[tuple[int, int, int] | None, ...]


class Watched(Generic[T]):
    """`get` returns what `load` last made of the files, which are looked at no more than once a second.

    The first `load` is the constructor's and may raise `ConfigurationError`. If a later one does, what was made
    before stays in use and the log has one line for that state of the files.
    """

    def __init__(self, paths: Sequence[Path], load: Callable[[], T], *, clock: Clock) -> None:
        self._paths = tuple(paths)
        self._load = load
        self._clock = clock
        self._stamp = self._look()  # before loading: what changes in between is found at the next look
        self._value = load()
        self._next_s = clock() + _LOOK_EVERY_S

    def get(self) -> T:
        now_s = self._clock()
        if now_s >= self._next_s:
            self._next_s = now_s + _LOOK_EVERY_S
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                self._renew()
        return self._value

    def _renew(self) -> None:
        names = ", ".join(str(path) for path in self._paths)
        try:
            self._value = self._load()
        except ConfigurationError as error:
            logger.error("what was read before stays in use: %s", error)
        else:
            logger.info("%s: changed, and read anew", names)

    def _look(self) -> _Stamp:
        return tuple(map(_stamp, self._paths))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        facts = os.stat(path)
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_size, facts.st_ino


def warn_of_others(path: Path, *, may: int) -> None:
    """Log a warning if users other than the owner and the group may do with the file what `may` says, of
    `stat.S_IROTH` and `stat.S_IWOTH`."""
    if os.name != "posix":
        return
    try:
        allowed = os.stat(path).st_mode & may
    except OSError:
        return  # who needs the file will say so
    if allowed:
        what = "change" if allowed & stat.S_IWOTH else "read"
        logger.warning("every user of this machine can %s %s; run chmod o-rwx on it", what, path)
