"""What forbids to serve a request: its size, its deadline, its device. One pair at a time, no order.

For whole queues `assignment.py` writes the first two over arrays; a test holds the two against each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from server_stub.scheduling.state import Action, QueueState, Refuse, Waiting, WorkerState

__all__ = ["Thresholds", "in_time", "places", "sift", "takes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """A device below one of these will not be there for the answer. None excludes nobody."""

    battery_frac: float | None = None
    signal_dbm: float | None = None

    def met_by(self, request: Waiting) -> bool:
        """B >= B_th and SIN >= SIN_th: (16) and (17) of S2. A device that does not tell is not excluded."""
        return not (
            (
                self.battery_frac is not None
                and request.battery_frac is not None
                and request.battery_frac < self.battery_frac
            )
            or (
                self.signal_dbm is not None
                and request.signal_dbm is not None
                and request.signal_dbm < self.signal_dbm
            )
        )


def takes(worker: WorkerState, request: Waiting) -> bool:
    """Whether the request is small enough for the worker: (12) of S2, for one request at a time."""
    return worker.capacity_bytes is None or request.image_bytes <= worker.capacity_bytes


def in_time(worker: WorkerState, request: Waiting, now_s: float) -> bool:
    """Whether the worker would end by the deadline, if it began now: ψ + Q <= T, (15) of S2."""
    return request.due_s is None or now_s + request.service_s / worker.speed <= request.due_s


def sift(state: QueueState, *, foresee: bool) -> tuple[list[Waiting], list[Action]]:
    """Return the requests worth keeping, in order of arrival, and the refusals of the others.

    Refused is what is past its deadline or too large for every worker; with `foresee` also what no worker that
    takes it could end in time, were it idle now. While there are no workers at all, as a server starts, nothing
    is too large.
    """
    # Workers that differ in nothing that counts here are asked once; a queue may hold thousands.
    kinds = tuple({(worker.speed, worker.capacity_bytes): worker for worker in state.workers}.values())
    kept: list[Waiting] = []
    refused: list[Action] = []
    for request in state.waiting:
        if _can_be_answered(request, kinds, state.now_s, foresee):
            kept.append(request)
        else:
            refused.append(Refuse(key=request.key))
    return kept, refused


def _can_be_answered(request: Waiting, workers: Sequence[WorkerState], now_s: float, foresee: bool) -> bool:
    if request.due_s is not None and request.due_s <= now_s:
        return False
    return not workers or any(
        takes(worker, request) and (not foresee or in_time(worker, request, now_s)) for worker in workers
    )


def places(workers: Iterable[WorkerState]) -> list[WorkerState]:
    """Every place that is free now, each as its worker, fastest first and else in the order given."""
    free = [worker for worker in workers for _ in range(worker.room)]
    return sorted(free, key=lambda worker: -worker.speed)
