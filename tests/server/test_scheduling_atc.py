"""ATC: whose slack is least, by which clock, and when length counts for more."""

from __future__ import annotations

from dataclasses import replace

from scheduling_node import NOW_S

from server_stub.scheduling import Atc, QueueState, Refuse, Start, Thresholds, Waiting, WorkerState


def waiting(key: int, due_in_s: float | None = 10.0, **told: float) -> Waiting:
    due_s = None if due_in_s is None else NOW_S + due_in_s
    return replace(Waiting(key=key, arrived_s=NOW_S - 1, image_bytes=10, due_s=due_s, service_s=0.5), **told)


def order(entries: list[Waiting], scheduler: Atc | None = None, now_s: float = NOW_S) -> list[int]:
    scheduler = Atc() if scheduler is None else scheduler
    state = QueueState(now_s=now_s, waiting=entries, workers=[WorkerState(number=0, room=len(entries))])
    return [action.key for action in scheduler.step(state) if isinstance(action, Start)]


def test_of_equal_length_the_least_slack_is_first():
    assert order([waiting(1, 9.0), waiting(2, 3.0), waiting(3, 6.0)]) == [2, 3, 1]


def test_a_low_battery_or_a_weak_signal_is_as_urgent_as_a_deadline():
    entries = [
        waiting(1, battery_frac=0.9, signal_dbm=-50.0),
        waiting(2, battery_frac=0.9, signal_dbm=-80.0),
        waiting(3, battery_frac=0.1, signal_dbm=-50.0),
        waiting(4, 5.0, battery_frac=0.9, signal_dbm=-50.0),
        waiting(5, battery_frac=0.5, signal_dbm=-90.0),
    ]
    assert order(entries) == [3, 5, 2, 4, 1]


def test_who_tells_nothing_is_served_in_order_of_arrival():
    entries = [waiting(key, None, arrived_s=NOW_S - 5 + key) for key in range(5)]
    assert order(entries) == [0, 1, 2, 3, 4]


def test_in_a_long_queue_the_short_are_first():
    long = [waiting(key, 3.0, service_s=1.0) for key in range(20)]
    short = waiting(20, 13.0, service_s=0.5)
    assert order([*long, short])[0] == 20
    assert order([long[0], short]) == [0, 20]


def test_without_a_deadline_a_request_becomes_ever_more_urgent():
    patient = waiting(0, None, service_s=3.0)
    others = [waiting(key, 10.0) for key in range(1, 9)]
    assert order([patient, *others])[0] != 0
    later = [replace(one, key=one.key + 8, arrived_s=NOW_S + 200, due_s=NOW_S + 210) for one in others]
    assert order([patient, *later], now_s=NOW_S + 200)[0] == 0


def test_a_device_below_a_threshold_is_last_and_served_all_the_same():
    entries = [waiting(1, 2.0, battery_frac=0.04), waiting(2, battery_frac=0.5), waiting(3, signal_dbm=-99.0)]
    thresholds = Thresholds(battery_frac=0.05, signal_dbm=-95.0)
    assert order(entries, Atc(thresholds)) == [2, 1, 3]
    assert order(entries)[0] == 1
    assert order(entries[:1], Atc(thresholds)) == [1]


def test_what_cannot_be_in_time_is_refused():
    state = QueueState(now_s=NOW_S, waiting=[waiting(1, 0.4)], workers=[WorkerState(number=0, room=0)])
    assert Atc().step(state) == [Refuse(key=1)]
