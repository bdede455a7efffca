"""A hedge: two tasks, the second of which starts late or never. Knows nothing of images and options."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import TypeVar

from offload_sdk.execute.workers import Task

__all__ = ["race"]

T = TypeVar("T")
Start = Callable[[bool], "Task[T] | None"]
"""Starts one of the two, told whether it starts alone; None if it cannot."""


def race(first: Start[T], second: Start[T], second_after_s: float, wins: Callable[[T], bool]) -> Task[T] | None:
    """Start `first`, and `second` after so many seconds, or as soon as the first has ended without winning.

    Returns the first task whose result `wins`, while the other may still be running, or None once both have
    ended without. Raises what a task raised that ended before there was a winner.
    """
    ended: queue.SimpleQueue[Task[T]] = queue.SimpleQueue()
    running = 0
    if (task := first(True)) is not None:
        task.then(ended.put)
        try:
            wait_s = min(max(second_after_s, 0.0), threading.TIMEOUT_MAX)
            if wins(ended.get(timeout=wait_s).result()):
                return task
        except queue.Empty:
            running = 1
    if (task := second(not running)) is not None:
        task.then(ended.put)
        running += 1
    for _ in range(running):
        task = ended.get()
        if wins(task.result()):
            return task
    return None
