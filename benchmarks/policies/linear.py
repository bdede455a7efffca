"""Published rules that fit the remote time as `a + b · bytes`: recursive least squares, and the bandit μLinUCB."""

from __future__ import annotations

import math

from benchmarks.policies.contender import Attempt, Contender, Plan, View

__all__ = ["LeastSquares", "MuLinUcb"]

_UNIT_BYTES = 100_000.0
_GAIN = 0.3


class LeastSquares(Contender):
    """Recursive least squares on (1, bytes) with forgetting 0.95; the smaller prediction is taken.

    It explores only by its prior, a link of 10 Mbit/s and 60 ms: of a link that looked bad it never hears again.
    """

    _FORGETTING = 0.95
    _MOST_COVARIANCE = 100.0

    def __init__(self, board_s: float) -> None:
        self._local_s = board_s
        self._a, self._b = 0.06, 0.08
        self._p00, self._p01, self._p11 = 1.0, 0.0, 1.0

    def plan(self, view: View) -> Plan:
        remote_s = self._a + self._b * view.size_bytes / _UNIT_BYTES
        return Plan(first="remote" if remote_s < self._local_s else "local")

    def learn(self, attempt: Attempt) -> None:
        if attempt.path == "local":
            self._local_s += _GAIN * (attempt.compute_s - self._local_s)
            return
        x = attempt.sent_bytes / _UNIT_BYTES
        g0, g1 = self._p00 + self._p01 * x, self._p01 + self._p11 * x
        scale = self._FORGETTING + g0 + g1 * x
        k0, k1 = g0 / scale, g1 / scale
        error = attempt.latency_s - self._a - self._b * x
        self._a += k0 * error
        self._b += k1 * error
        forget = 1.0 / self._FORGETTING
        if self._p00 + self._p11 > self._MOST_COVARIANCE:
            forget = 1.0  # sizes that hardly vary would let it grow without end
        self._p00, self._p01, self._p11 = (
            (self._p00 - k0 * g0) * forget,
            (self._p01 - k0 * g1) * forget,
            (self._p11 - k1 * g1) * forget,
        )


class MuLinUcb(Contender):
    """μLinUCB of Zhang, Chen, Xu, "Autodidactic Neurosurgeon" (WWW 2021, arXiv 2102.02638), with two arms.

    The local time is known. The remote time is `x·θ` with x = (1, bytes / 100 KB) by ridge regression; of its
    prediction α·√((1 − L)·xᵀA⁻¹x) is taken off, L being the weight of an ordinary frame. Every ⌈T^μ⌉-th frame
    must not stay on the device, T doubling whenever it is passed. Constants as in the authors' program: μ 0.25,
    T 200 at first, L 0.2 (0.8 for key frames, which there are none of here), δ 0.1, noise 0.05, ‖θ‖ ≤ 1.
    """

    _MU, _ORDINARY, _KEY, _DELTA, _NOISE, _THETA, _DIMENSIONS = 0.25, 0.2, 0.8, 0.1, 0.05, 1.0, 2

    def __init__(self, board_s: float, payload_bytes: int) -> None:
        self._local_s = board_s
        self._a00, self._a01, self._a11 = 1.0, 0.0, 1.0
        self._b0 = self._b1 = 0.0
        self._context = 1.0 + (payload_bytes / _UNIT_BYTES) ** 2  # the largest ‖x‖², about
        self._frame = 0
        self._horizon = 200
        self._set_horizon()

    def plan(self, view: View) -> Plan:
        self._frame += 1
        if self._frame > self._horizon:
            self._horizon *= 2
            self._set_horizon()
        if self._frame % self._every == 0:
            return Plan(first="remote", explored=True)
        x = view.size_bytes / _UNIT_BYTES
        determinant = self._a00 * self._a11 - self._a01 * self._a01
        i00, i01, i11 = self._a11 / determinant, -self._a01 / determinant, self._a00 / determinant
        theta0, theta1 = i00 * self._b0 + i01 * self._b1, i01 * self._b0 + i11 * self._b1
        width = math.sqrt((1.0 - self._ORDINARY) * (i00 + 2.0 * i01 * x + i11 * x * x))
        remote_s = theta0 + theta1 * x - self._alpha * width
        return Plan(first="remote" if remote_s < self._local_s else "local")

    def learn(self, attempt: Attempt) -> None:
        if attempt.path == "local":
            return
        x = attempt.sent_bytes / _UNIT_BYTES
        self._a00, self._a01, self._a11 = self._a00 + 1.0, self._a01 + x, self._a11 + x * x
        self._b0, self._b1 = self._b0 + attempt.latency_s, self._b1 + x * attempt.latency_s

    def _set_horizon(self) -> None:
        spread = math.log((1.0 + self._horizon * self._context**2) / self._DELTA) * self._DIMENSIONS
        self._alpha = (self._THETA + self._NOISE * math.sqrt(spread)) / (1.0 - self._KEY)
        self._every = math.ceil(self._horizon**self._MU)
