"""What takes part: the interface between the simulation and a policy, whoever wrote it. No policy here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from offload_sdk._types import OptionPath
from offload_sdk.measure.probe_schedule import Probe

__all__ = ["REMOTE_TIMEOUT_S", "Attempt", "Contender", "Plan", "Truth", "View"]

REMOTE_TIMEOUT_S = 10.0  # the longest that any policy waits for the server, as in the SDK's settings
AttemptStatus = Literal["success", "timeout", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where an image starts, and when the other side starts too if there is no answer yet.

    `second_after_s` counts from the decision; None: never, unless the server does not answer within `budget_s`,
    when the local side takes over. `lingers`: an upload that the device has overtaken goes on until it is
    answered or its budget is over, instead of being cut short.
    """

    first: OptionPath
    second_after_s: float | None = None
    budget_s: float = REMOTE_TIMEOUT_S
    lingers: bool = False
    explored: bool = False


class Truth(NamedTuple):
    """What each side alone would take: seconds until its answer, queues included, and joules of the device."""

    local_s: float
    remote_s: float
    local_j: float
    remote_j: float


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What may be known when an image arrives, and for the clairvoyant `truth`.

    `rtt_s` is the link's present round trip, as a ping that costs nothing would tell it. `local_waiting` counts
    the images before this one on the device, the running one included; `sending_bytes` is what has not left.
    """

    index: int
    now_s: float
    size_bytes: int
    rtt_s: float
    local_waiting: int
    sending_bytes: float
    truth: Callable[[], Truth]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one side for one image, or of a probe (`index` None). Times in seconds.

    `latency_s` runs from `started_s`; it is a lower bound unless `status` is `success`. Of it `wait_s` was spent
    in the device's queue, `compute_s` on the side that computed (the server's queue included), `connect_s` on a
    handshake (None: warm).
    """

    path: OptionPath
    index: int | None
    status: AttemptStatus
    started_s: float
    latency_s: float
    sent_bytes: int = 0
    wait_s: float = 0.0
    compute_s: float = 0.0
    connect_s: float | None = None


class Contender:
    """A policy in the simulation. Only `plan` has to be written; the rest is for those that learn or probe."""

    keeps_warm = False
    """The connection never needs a handshake: for the oracle, so that nobody has an advantage over it."""

    def plan(self, view: View) -> Plan:
        raise NotImplementedError

    def started(self, path: OptionPath, index: int, now_s: float) -> None:
        """A side was given an image, which may have to wait there."""

    def dropped(self, index: int, now_s: float) -> None:
        """An image that waited for the device was answered by the other side before its turn came."""

    def learn(self, attempt: Attempt) -> None:
        """An attempt has ended, at `started_s + latency_s`; that of an image or of a duplicate.

        An upload that lingers is `cancelled` at the moment when the device answers, and ends once more later.
        """

    def answered(self, index: int, attempts: Sequence[Attempt], now_s: float) -> None:
        """An image has its answer; `attempts` in the order in which they ended, the answer last."""

    def wake_s(self, now_s: float) -> float | None:
        """When `start_probe` may have something to do."""
        return None

    def start_probe(self, now_s: float) -> Probe | None:
        return None

    def probe_ended(self, probe: Probe, attempt: Attempt, spent_bytes: int) -> None:
        """The probe that `start_probe` gave has ended."""
