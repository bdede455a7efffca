"""Requests, machines and schedulers for the tests of the fog node. Asserts nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.fog.workload import Request
from server_stub.scheduling import Action, QueueState, Waiting, WorkerState


def request(
    key: int,
    arrived_s: float,
    service_s: float = 1.0,
    *,
    limit_s: float = 10.0,
    told_s: float | None = None,
    size_bytes: int = 1,
    battery_frac: float = 1.0,
    drain_per_s: float = 0.0,
    signal_dbm: float = -50.0,
    drift_db_per_s: float = 0.0,
) -> Request:
    return Request(
        told=Waiting(
            key=key,
            arrived_s=arrived_s,
            image_bytes=size_bytes,
            due_s=arrived_s + limit_s,
            battery_frac=battery_frac,
            signal_dbm=signal_dbm,
            service_s=service_s if told_s is None else told_s,
        ),
        limit_s=limit_s,
        service_s=service_s,
        battery_frac=battery_frac,
        drain_per_s=drain_per_s,
        signal_dbm=signal_dbm,
        drift_db_per_s=drift_db_per_s,
    )


def machines(*speeds: float, capacity_bytes: int | None = None) -> list[WorkerState]:
    return [
        WorkerState(number=number, speed=speed, capacity_bytes=capacity_bytes)
        for number, speed in enumerate(speeds)
    ]


class Scripted:
    """Answers as the function says, and keeps what it was shown."""

    def __init__(self, answer: Callable[[QueueState], Sequence[Action]]) -> None:
        self._answer = answer
        self.states: list[QueueState] = []

    def step(self, state: QueueState) -> Sequence[Action]:
        self.states.append(state)
        return self._answer(state)
