"""Closes the log's connections before a fork and lets parent and child each open their own after it.

SQLite's locks belong to a process while its bookkeeping of them is copied by a fork: a connection, and even the
traces of one, must not reach the child (https://sqlite.org/howtocorrupt.html, 2.6). `subprocess` does not come
here, it runs a new program at once.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol

__all__ = ["Forkable", "watch"]


class Forkable(Protocol):
    def before_fork(self) -> None: ...

    def after_fork(self, *, child: bool) -> None: ...


_watched: weakref.WeakSet[Forkable] = weakref.WeakSet()
_held: list[Forkable] = []


def watch(log: Forkable) -> None:
    """Have `log` told of every fork for as long as it lives."""
    _watched.add(log)


def _before() -> None:
    for log in list(_watched):
        log.before_fork()
        _held.append(log)


def _after(*, child: bool) -> None:
    while _held:
        _held.pop().after_fork(child=child)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before,
        after_in_parent=lambda: _after(child=False),
        after_in_child=lambda: _after(child=True),
    )
