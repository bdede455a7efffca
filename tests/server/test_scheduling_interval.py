"""S2's scheduler from step to step: when it decides, whom it defers, what it stops."""

from __future__ import annotations

import random

import pytest
from scheduling_node import NOW_S, Node

from server_stub.scheduling import (
    ContextAware,
    DynamicInterval,
    Finished,
    Preempt,
    QueueState,
    Refuse,
    Start,
    Thresholds,
    Waiting,
    Wake,
    WorkerState,
)


def waiting(key: int, *, arrived_s: float = NOW_S, **told: float) -> Waiting:
    return Waiting(key=key, arrived_s=arrived_s, image_bytes=10, **{"service_s": 2.0, **told})


def state(now_s: float, *entries: Waiting, ended: float | None = None, room: int = 1) -> QueueState:
    finished = [] if ended is None else [Finished(key=-1, worker=0, service_s=ended)]
    return QueueState(now_s=now_s, waiting=entries, workers=[WorkerState(number=0, room=room)], finished=finished)


def test_it_decides_once_in_an_interval():
    scheduler = ContextAware()
    first, second = waiting(1), waiting(2, arrived_s=NOW_S + 0.5)
    assert scheduler.step(state(NOW_S, first)) == [Start(key=1, worker=0)]
    # A worker is free, but the expected two seconds are not over.
    assert scheduler.step(state(NOW_S + 1.5, second, ended=1.5)) == [Wake(at_s=NOW_S + 2.0)]
    assert scheduler.step(state(NOW_S + 2.0, second)) == [Start(key=2, worker=0)]
    # From here on the interval is what was measured.
    third = waiting(3, arrived_s=NOW_S + 2.5)
    assert scheduler.step(state(NOW_S + 2.5, third, room=0)) == [Wake(at_s=NOW_S + 3.5)]


def test_the_dynamic_interval_follows_at_once():
    scheduler = ContextAware(DynamicInterval(weight=1.0))
    for now_s, ended_s in ((NOW_S, 3.0), (NOW_S + 3.0, 1.0)):
        actions = scheduler.step(state(now_s, waiting(1), ended=ended_s, room=0))
        assert actions == [Wake(at_s=now_s + ended_s)]


def test_a_deadline_is_seen_in_between():
    scheduler = ContextAware()
    scheduler.step(state(NOW_S, waiting(1)))
    late = waiting(2, arrived_s=NOW_S + 0.5, due_s=NOW_S + 2.0)
    assert scheduler.step(state(NOW_S + 1.0, late, room=0)) == [Refuse(key=2)]


@pytest.mark.parametrize(
    "urgent",
    [{"battery_frac": 0.1}, {"signal_dbm": -90.0}, {"due_s": NOW_S + 5.0}],
    ids=lambda told: next(iter(told)),
)
def test_the_urgent_context_is_served_first(urgent):
    calm = {"battery_frac": 0.9, "signal_dbm": -50.0, "due_s": NOW_S + 20.0}
    entries = [waiting(1, **calm), waiting(2, **{**calm, **urgent}), waiting(3, **calm)]
    assert Start(key=2, worker=0) in ContextAware().step(state(NOW_S, *entries))


def test_the_deferred_come_before_equal_newcomers():
    scheduler = ContextAware()
    old = waiting(9)
    assert scheduler.step(state(NOW_S, waiting(1), old)) == [Start(key=1, worker=0), Wake(at_s=NOW_S + 2.0)]
    newcomers = [waiting(key, arrived_s=NOW_S + 1.0) for key in (2, 3)]
    assert Start(key=9, worker=0) in scheduler.step(state(NOW_S + 2.0, *newcomers, old))


def test_a_device_below_its_threshold_waits_until_its_signal_is_back():
    scheduler = ContextAware(thresholds=Thresholds(signal_dbm=-90.0))
    assert not any(isinstance(one, Start) for one in scheduler.step(state(NOW_S, waiting(1, signal_dbm=-91.0))))
    assert Start(key=1, worker=0) in scheduler.step(state(NOW_S + 2.0, waiting(1, signal_dbm=-89.0)))


def busy(request: Waiting, free_s: float) -> list[WorkerState]:
    return [WorkerState(number=0, room=0, free_s=free_s, running=request)]


def test_what_runs_is_only_stopped_if_asked_for_and_if_the_other_is_more_urgent():
    long = waiting(1, battery_frac=0.9, service_s=50.0)
    short = waiting(2, battery_frac=0.1, service_s=1.0, due_s=NOW_S + 5.0)
    calm = waiting(3, battery_frac=0.9, service_s=60.0)

    def step(preempts: bool, request: Waiting) -> list[object]:
        workers = busy(long, NOW_S + 49.0)
        actions = ContextAware(preempts=preempts).step(QueueState(now_s=NOW_S, waiting=[request], workers=workers))
        return [one for one in actions if not isinstance(one, Wake)]

    assert step(False, short) == []
    assert step(True, short) == [Preempt(worker=0), Start(key=2, worker=0)]
    assert step(True, calm) == []


def test_with_stopping_nothing_is_lost_either():
    random_ = random.Random(1)
    arrivals = [
        waiting(
            key,
            arrived_s=NOW_S + random_.uniform(0, 60),
            service_s=random_.uniform(0.5, 4),
            battery_frac=random_.random(),
        )
        for key in range(80)
    ]
    node = Node(ContextAware(preempts=True), [WorkerState(number=number) for number in range(3)]).run(arrivals)
    assert len(node.ended_s) == 80
    assert node.preempted > 0
