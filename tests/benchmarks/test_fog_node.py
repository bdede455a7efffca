"""The simulated fog node: times worked out by hand, nothing lost, and no scheduler that cheats."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from fog_kit import Scripted, machines, request
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.fog.node import Ending, ProtocolViolation, simulate
from benchmarks.fog.rounds import InRounds
from server_stub.scheduling import (
    Action,
    Fcfs,
    Finished,
    Preempt,
    QueueState,
    Refuse,
    Shed,
    Start,
    Wake,
)


def answered(key: int, started_s: float, ended_s: float) -> Ending:
    return Ending(key=key, started_s=pytest.approx(started_s), ended_s=pytest.approx(ended_s))


def test_one_machine_serves_in_order_of_arrival() -> None:
    requests = [request(0, 0.0, 4.0), request(1, 1.0, 2.0), request(2, 2.0, 1.0), request(3, 20.0, 2.0)]
    assert simulate(requests, machines(2.0), Fcfs()) == [
        answered(0, 0.0, 2.0),
        answered(1, 2.0, 3.0),
        answered(2, 3.0, 3.5),
        answered(3, 20.0, 21.0),
    ]


def test_what_is_past_its_deadline_is_refused_when_the_scheduler_next_looks() -> None:
    requests = [request(0, 0.0, 5.0), request(1, 1.0, 1.0, limit_s=2.0), request(2, 4.0, 1.0)]
    assert simulate(requests, machines(1.0), Fcfs()) == [
        answered(0, 0.0, 5.0),
        Ending(key=1, started_s=None, ended_s=4.0),
        answered(2, 5.0, 6.0),
    ]


def test_the_true_time_counts_and_the_told_one_is_shown() -> None:
    scheduler = Scripted(Fcfs().step)
    endings = simulate([request(0, 0.0, 4.0, told_s=3.0), request(1, 1.0)], machines(2.0), scheduler)
    assert [ending.ended_s for ending in endings] == pytest.approx([2.0, 2.5])
    assert scheduler.states[0].waiting[0].service_s == 3.0
    busy = scheduler.states[1].workers[0]
    assert (busy.room, busy.free_s, busy.running) == (0, 1.5, None)
    assert [state.finished for state in scheduler.states[:3]] == [
        (),
        (),
        (Finished(key=0, worker=0, service_s=2.0),),
    ]


def test_a_live_context_is_that_of_the_moment() -> None:
    requests = [
        request(0, 0.0, 4.0),
        request(1, 0.0, 1.0, battery_frac=0.5, drain_per_s=0.1, signal_dbm=-60.0, drift_db_per_s=-2.0),
    ]
    seen = {}
    for live in (False, True):
        scheduler = Scripted(Fcfs().step)
        simulate(requests, machines(1.0), scheduler, live=live)
        (seen[live],) = scheduler.states[-2].waiting
        assert scheduler.states[-2].now_s == 4.0
    assert (seen[False].battery_frac, seen[False].signal_dbm) == (0.5, -60.0)
    assert (seen[True].battery_frac, seen[True].signal_dbm) == (pytest.approx(0.1), -68.0)


def test_the_scheduler_is_woken_once_for_each_moment_it_asks_for() -> None:
    def answer(state: QueueState) -> Sequence[Action]:
        if state.now_s < 3.0:
            return (Wake(at_s=3.0),)
        return [Start(key=waiting.key, worker=0) for waiting in state.waiting]

    scheduler = Scripted(answer)
    simulate([request(0, 0.0)], machines(1.0), scheduler)
    assert [state.now_s for state in scheduler.states] == [0.0, 3.0, 4.0]
    scheduler = Scripted(answer)
    with pytest.raises(ProtocolViolation, match="worker 0 has no room for request 1"):
        simulate([request(0, 0.0), request(1, 1.0)], machines(1.0), scheduler)
    assert [state.now_s for state in scheduler.states] == [0.0, 1.0, 3.0]


def test_what_is_stopped_waits_again_in_its_place_and_starts_anew() -> None:
    def answer(state: QueueState) -> Sequence[Action]:
        (worker,) = state.workers
        shortest = min(state.waiting, key=lambda waiting: waiting.service_s, default=None)
        if shortest is None:
            return ()
        if worker.running is not None and shortest.service_s < worker.running.service_s:
            return (Preempt(worker=0), Start(key=shortest.key, worker=0))
        return (Start(key=shortest.key, worker=0),) if worker.room else ()

    scheduler = Scripted(answer)
    requests = [request(0, 0.0, 5.0), request(1, 1.0, 2.0), request(2, 2.0, 9.0)]
    assert simulate(requests, machines(1.0), scheduler, stoppable=True) == [
        answered(0, 3.0, 8.0),
        answered(1, 1.0, 3.0),
        answered(2, 8.0, 17.0),
    ]
    assert [waiting.key for waiting in scheduler.states[2].waiting] == [0, 2]


def test_what_nobody_serves_ends_as_refused() -> None:
    def idle(state: QueueState) -> Sequence[Action]:
        return ()

    def restless(state: QueueState) -> Sequence[Action]:
        return (Wake(at_s=state.now_s + 1.0),)

    requests = [request(0, 0.0), request(1, 2.0)]
    for answer in (idle, restless):
        endings = simulate(requests, machines(1.0), Scripted(answer))
        assert [(ending.key, ending.started_s) for ending in endings] == [(0, None), (1, None)]


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([Start(key=7, worker=0)], "request 7 is not waiting"),
        ([Refuse(key=7)], "request 7 is not waiting"),
        ([Start(key=0, worker=0), Refuse(key=0)], "request 0 is not waiting"),
        ([Start(key=0, worker=2)], "there is no worker 2"),
        ([Start(key=0, worker=0), Start(key=1, worker=0)], "worker 0 has no room for request 1"),
        ([Start(key=1, worker=1)], "request 1 is too large for worker 1"),
        ([Shed(key=0)], "request 0 is shed"),
        ([Preempt(worker=0)], "worker 0 runs nothing that can be stopped"),
        ([Wake(at_s=1.0)], "it cannot be woken at 1.0 s"),
        ([Wake(at_s=math.nan)], "it cannot be woken at nan s"),
        (["start"], "'start' is no action"),
    ],
)
def test_a_scheduler_that_breaks_its_protocol_is_caught(actions: list[Action], message: str) -> None:
    def answer(state: QueueState) -> Sequence[Action]:
        return actions if len(state.waiting) == 2 else ()

    requests = [request(0, 0.0), request(1, 1.0, size_bytes=50)]
    workers = [*machines(1.0), *machines(1.0, 1.0, capacity_bytes=40)[1:]]
    with pytest.raises(ProtocolViolation, match=f"^Scripted at 1.000000 s: {message}"):
        simulate(requests, workers, Scripted(answer))


def test_in_rounds_nothing_starts_between_them() -> None:
    requests = [request(key, 0.5 * key) for key in range(4)]
    scheduler = InRounds(Fcfs(), 2.0)
    # The first round is at 0 s, the next after 2 s; then τ is the mean of what has been, 1 s.
    assert simulate(requests, machines(1.0, 1.0), scheduler) == [
        answered(0, 0.0, 1.0),
        answered(1, 2.0, 3.0),
        answered(2, 2.0, 3.0),
        answered(3, 3.0, 4.0),
    ]


@given(
    st.lists(st.tuples(st.floats(0.0, 5.0), st.floats(0.01, 3.0), st.floats(0.1, 6.0)), max_size=30),
    st.lists(st.sampled_from((0.5, 1.0, 2.0)), min_size=1, max_size=4),
    st.booleans(),
)
def test_each_request_ends_exactly_once(
    drawn: list[tuple[float, float, float]], speeds: list[float], rounds: bool
) -> None:
    requests = [
        request(key, arrived_s, service_s, limit_s=limit_s)
        for key, (arrived_s, service_s, limit_s) in enumerate(sorted(drawn))
    ]
    scheduler = Scripted((InRounds(Fcfs(), 1.0) if rounds else Fcfs()).step)
    endings = simulate(requests, machines(*speeds), scheduler)
    assert [ending.key for ending in endings] == list(range(len(requests)))
    finished = [one.key for state in scheduler.states for one in state.finished]
    assert sorted(finished) == [ending.key for ending in endings if ending.started_s is not None]
    assert all(
        ending.started_s is None or requests[ending.key].told.arrived_s <= ending.started_s < ending.ended_s
        for ending in endings
    )
