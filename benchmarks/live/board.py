"""The slow board: what computes on a device, and how this machine is made as slow. No policy, no network.

`PaddedBoard` infers and then sleeps until the board would be done. `LimitedBoard` infers in a process of its own,
alone in a CPU control group whose quota makes it as slow as the board; what moves the bytes of an upload stays
outside, or the quota would throttle it too.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import random
import statistics
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from offload_sdk._types import Label
from offload_sdk.model import Classifier, ModelFile

__all__ = ["LimitedBoard", "PaddedBoard", "can_limit"]

_GROUPS = Path("/sys/fs/cgroup/cpu")
_QUOTA_US = 1000  # the least that the kernel takes
_SPREAD = 0.05
_TRIALS = 7
_PAUSE_S = 0.03
_numbers = itertools.count()

Compute = Callable[[Any, int], tuple[Label, ...]]


def can_limit() -> bool:
    """Whether this machine has CPU control groups (version 1) that this process may make."""
    return (_GROUPS / "cpu.cfs_quota_us").exists() and os.access(_GROUPS, os.W_OK)


class _Board:
    """A `TensorClassifier`: one image at a time, in their order of arrival."""

    name = "slow board"

    def __init__(self) -> None:
        self._turn = threading.Lock()

    def classify_tensor(self, tensor: Any, k: int, timings: dict[str, float]) -> tuple[Label, ...]:
        asked_s = time.monotonic()
        with self._turn:
            began_s = time.monotonic()
            labels = self._compute(tensor, k)
        timings["wait"] = began_s - asked_s
        timings["infer"] = time.monotonic() - began_s
        return labels

    def _compute(self, tensor: Any, k: int) -> tuple[Label, ...]:
        raise NotImplementedError


class PaddedBoard(_Board):
    """Infers here, then sleeps until `board_s`, give or take 5 %, are over."""

    def __init__(self, model: ModelFile, board_s: float, seed: int) -> None:
        super().__init__()
        self._classifier = Classifier(model)
        self._board_s = board_s
        self._rng = random.Random(seed)

    def _compute(self, tensor: Any, k: int) -> tuple[Label, ...]:
        done_s = time.monotonic() + self._board_s * self._rng.gauss(1.0, _SPREAD)
        labels = self._classifier.classify_tensor(tensor, k)
        time.sleep(max(done_s - time.monotonic(), 0.0))
        return labels

    def close(self) -> None:
        self._classifier.close()


class LimitedBoard(_Board):
    """Infers in a process that gets as much of a CPU as makes an inference take about `board_s`."""

    def __init__(self, model: ModelFile, board_s: float) -> None:
        super().__init__()
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_infer, args=(model, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.group = _GROUPS / f"offload-live-{os.getpid()}-{next(_numbers)}"
        self.group.mkdir()
        try:
            (self.group / "cgroup.procs").write_text(str(self._process.pid))
            self._usual_s(model)  # the first ones also pack the weights
            period_us = _QUOTA_US * board_s / self._usual_s(model)
            for _ in range(3):  # an inference may find some of its quota left, and takes longer in short turns
                self._limit(period_us)
                period_us *= board_s / self._usual_s(model)
            self._limit(period_us)
        except BaseException:
            self.close()
            raise

    def _compute(self, tensor: Any, k: int) -> tuple[Label, ...]:
        self._pipe.send((tensor, k))
        labels: tuple[Label, ...] = self._pipe.recv()
        return labels

    def _limit(self, period_us: float) -> None:
        (self.group / "cpu.cfs_period_us").write_text(str(round(min(max(period_us, 1000), 1_000_000))))
        (self.group / "cpu.cfs_quota_us").write_text(str(_QUOTA_US))

    def _usual_s(self, model: ModelFile) -> float:
        import numpy as np

        blank = np.zeros((1, model.spec.height, model.spec.width, 3), np.uint8)
        times_s = []
        for _ in range(_TRIALS):
            time.sleep(_PAUSE_S)  # begin anywhere in a period, as images do
            started_s = time.monotonic()
            self._compute(blank, 1)
            times_s.append(time.monotonic() - started_s)
        return statistics.median(times_s)

    def close(self) -> None:
        with suppress(OSError):
            self._pipe.send(None)
        with suppress(OSError):
            (self.group / "cpu.cfs_quota_us").write_text("-1")
        self._process.join(5.0)
        with suppress(OSError):
            self.group.rmdir()


def _infer(model: ModelFile, pipe: Connection) -> None:
    """The limited process: tensors in, labels out, until it is told to end."""
    classifier = Classifier(model)
    with suppress(EOFError):
        while (asked := pipe.recv()) is not None:
            pipe.send(classifier.classify_tensor(*asked))
