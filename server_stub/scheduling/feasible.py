"""Whether a worker may take a request: its size, its deadline. One pair at a time; no order, no choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from server_stub.scheduling.state import Waiting, WorkerState

__all__ = ["can_be_answered", "in_time", "places", "takes"]


def takes(worker: WorkerState, request: Waiting) -> bool:
    """Whether the request is small enough for the worker: (12) of S2, for one request at a time."""
    return worker.capacity_bytes is None or request.image_bytes <= worker.capacity_bytes


def in_time(worker: WorkerState, request: Waiting, now_s: float) -> bool:
    """Whether the worker would end by the deadline, if it began now: ψ + Q <= T, (15) of S2."""
    return request.due_s is None or now_s + request.service_s / worker.speed <= request.due_s


def can_be_answered(request: Waiting, workers: Sequence[WorkerState], now_s: float, *, foresee: bool) -> bool:
    """Whether it is of any use to keep the request: not past its deadline and not too large for every worker.

    With `foresee` some worker that takes it must also be able to end in time, were it idle now. While there
    are no workers at all, as a server starts, nothing is too large.
    """
    if request.due_s is not None and request.due_s <= now_s:
        return False
    return not workers or any(
        takes(worker, request) and (not foresee or in_time(worker, request, now_s)) for worker in workers
    )


def places(workers: Iterable[WorkerState]) -> list[WorkerState]:
    """Every place that is free now, each as its worker, fastest first and else in the order given."""
    free = [worker for worker in workers for _ in range(worker.room)]
    return sorted(free, key=lambda worker: -worker.speed)
