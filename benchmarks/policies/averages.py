"""Published rules on moving averages: bytes per second, the remote time itself, and a change-point test."""

from __future__ import annotations

import random

from benchmarks.policies.contender import Attempt, Contender, Plan, View

__all__ = ["BytesPerSecond", "ChangePoint", "RemoteTime"]

_GAIN = 0.3
_FIRST_BYTES_PER_S = 1.25e6
_FIRST_REMOTE_S = 0.09
_FORCED = 0.05


class _Averaging(Contender):
    """Knows the local time from the board's figure and averages what it measures of it."""

    def __init__(self, board_s: float) -> None:
        self._local_s = board_s

    def _learn_local(self, attempt: Attempt) -> None:
        self._local_s += _GAIN * (attempt.compute_s - self._local_s)


class BytesPerSecond(_Averaging):
    """Size over an average of bytes/seconds (gain 0.3), as client libraries do it; the round trip is mixed in."""

    def __init__(self, board_s: float) -> None:
        super().__init__(board_s)
        self._bytes_per_s = _FIRST_BYTES_PER_S

    def plan(self, view: View) -> Plan:
        return Plan(first="remote" if view.size_bytes / self._bytes_per_s < self._local_s else "local")

    def learn(self, attempt: Attempt) -> None:
        if attempt.path == "local":
            self._learn_local(attempt)
        elif attempt.latency_s > 0.0:  # a time-out counts as the time it took
            self._bytes_per_s += _GAIN * (attempt.sent_bytes / attempt.latency_s - self._bytes_per_s)


class RemoteTime(_Averaging):
    """An average of the remote time itself (gain 0.3), with 5 % of the images sent regardless to keep it fresh."""

    def __init__(self, board_s: float, seed: int) -> None:
        super().__init__(board_s)
        self._remote_s = _FIRST_REMOTE_S
        self._rng = random.Random(seed)

    def plan(self, view: View) -> Plan:
        if self._rng.random() < _FORCED:
            return Plan(first="remote", explored=True)
        return Plan(first="remote" if self._remote_s < self._local_s else "local")

    def learn(self, attempt: Attempt) -> None:
        if attempt.path == "local":
            self._learn_local(attempt)
        else:
            self._remote_s += _GAIN * (attempt.latency_s - self._remote_s)


class ChangePoint(RemoteTime):
    """The same, with a plain mean that a two-sided CUSUM test on the remote time starts anew.

    The sums (Page 1954) are of deviations in standard deviations, less a slack of 0.5; past 4 it is a change.
    """

    _SLACK, _LIMIT = 0.5, 4.0

    def __init__(self, board_s: float, seed: int) -> None:
        super().__init__(board_s, seed)
        self._variance = (0.3 * _FIRST_REMOTE_S) ** 2
        self._up = self._down = 0.0
        self._samples = 0

    def learn(self, attempt: Attempt) -> None:
        if attempt.path == "local":
            self._learn_local(attempt)
            return
        seconds = attempt.latency_s
        deviation = (seconds - self._remote_s) / max(self._variance**0.5, 0.05 * self._remote_s)
        self._up = max(0.0, self._up + deviation - self._SLACK)
        self._down = max(0.0, self._down - deviation - self._SLACK)
        if max(self._up, self._down) > self._LIMIT:
            self._restart(seconds)
        self._samples += 1
        gain = 1.0 / self._samples
        delta = seconds - self._remote_s
        self._remote_s += gain * delta
        self._variance = (1.0 - gain) * (self._variance + gain * delta * delta)
        if self._samples == 1:
            self._variance = (0.3 * seconds) ** 2

    def _restart(self, remote_s: float) -> None:
        self._remote_s, self._variance = remote_s, (0.3 * remote_s) ** 2
        self._up = self._down = 0.0
        self._samples = 0
