"""What must hold of every scheduler: one battery over all names."""

from __future__ import annotations

import inspect
import math
import pickle
import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from scheduling_node import Node, check, states

import server_stub.scheduling as scheduling
from offload_sdk.errors import ConfigurationError
from server_stub.scheduling import (
    DEFAULT_SCHEDULER,
    SCHEDULERS,
    QueueState,
    Scheduler,
    Waiting,
    WorkerState,
    make_scheduler,
)

NAMES = sorted(SCHEDULERS)
WORKERS = (
    WorkerState(number=0),
    WorkerState(number=1, speed=2.0),
    WorkerState(number=2, speed=0.5, capacity_bytes=60_000),
)


def crowd(count: int, *, seed: int = 1, load: float = 1.3, limits: bool = True) -> list[Waiting]:
    """Arrivals at `load` times what WORKERS can do, half of which tell nothing of their device."""
    random_ = random.Random(seed)
    now_s, arrivals = 0.0, []
    for key in range(count):
        now_s += random_.expovariate(3.5 * load)
        told = random_.random() < 0.5
        arrivals.append(
            Waiting(
                key=key,
                arrived_s=now_s,
                image_bytes=random_.randrange(1_000, 80_000),
                due_s=now_s + random_.uniform(0.5, 8.0) if limits and random_.random() < 0.9 else None,
                battery_frac=random_.random() if told else None,
                signal_dbm=random_.uniform(-110, -40) if told else None,
                service_s=random_.uniform(0.2, 1.8),
            )
        )
    return arrivals


def test_the_public_names_are_sorted_and_there():
    assert scheduling.__all__ == sorted(scheduling.__all__, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(scheduling, name) for name in scheduling.__all__)


def test_the_default_is_one_of_them_and_an_unknown_name_is_told_the_others():
    assert DEFAULT_SCHEDULER in SCHEDULERS
    assert type(make_scheduler()) is type(make_scheduler(DEFAULT_SCHEDULER))
    with pytest.raises(ConfigurationError, match="fcfs"):
        make_scheduler("round-robin")


@pytest.mark.parametrize("name", NAMES)
def test_the_protocol(name):
    scheduler = make_scheduler(name)
    assert isinstance(scheduler, Scheduler)
    assert inspect.getdoc(type(scheduler))
    assert make_scheduler(name) is not scheduler


@pytest.mark.parametrize("name", NAMES)
@given(state=states())
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_any_state(name, state):
    check(state, make_scheduler(name).step(state))


@pytest.mark.parametrize("name", NAMES)
def test_the_same_states_give_the_same_actions(name):
    first, second = (Node(make_scheduler(name), WORKERS).run(crowd(300)) for _ in range(2))
    assert (first.started_s, first.refused_s) == (second.started_s, second.refused_s)


@pytest.mark.parametrize("name", NAMES)
def test_no_request_is_lost(name):
    arrivals = crowd(400)
    node = Node(make_scheduler(name), WORKERS).run(arrivals)
    assert node.ended_s.keys() | node.refused_s.keys() == {one.key for one in arrivals}
    assert not node.ended_s.keys() & node.refused_s.keys()
    assert len(node.ended_s) > 150


@pytest.mark.parametrize("name", NAMES)
def test_a_queue_without_deadlines_is_worked_off(name):
    arrivals = crowd(200, limits=False)
    node = Node(make_scheduler(name), WORKERS).run(arrivals)
    assert len(node.ended_s) == 200


# SJF, and EDF and the response limit for those without a deadline, serve some of them last for ever; so may S2's
# objective while others tell a limit, as its weight of waiting is bounded.
@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("fcfs", True),
        ("fcfs", False),
        ("context-static", False),
        ("context-dynamic", False),
        ("atc", True),
        ("atc", False),
    ],
)
def test_the_least_attractive_request_is_served_while_others_never_cease(name, limits):
    victim = Waiting(key=-1, arrived_s=1.0, image_bytes=60_000, battery_frac=1.0, signal_dbm=-40.0, service_s=1.8)
    node = Node(make_scheduler(name), WORKERS).run([victim, *crowd(600, limits=limits)])
    assert node.ended_s[-1] < max(node.ended_s.values()) / 2


@pytest.fixture(scope="module")
def many_states() -> list[QueueState]:
    """A hundred thousand requests, a thousand at a time."""
    one_thousand = crowd(1_000)
    return [
        QueueState(
            now_s=one_thousand[-1].arrived_s + 10 * turn,
            waiting=[replace(one, key=1_000 * turn + one.key) for one in one_thousand],
            workers=WORKERS,
        )
        for turn in range(100)
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_hundred_thousand_requests_leave_nothing_behind(name, many_states):
    scheduler = make_scheduler(name)
    for state in many_states[:2]:
        scheduler.step(state)
    size = len(pickle.dumps(scheduler))
    for state in many_states[2:]:
        scheduler.step(state)
    assert len(pickle.dumps(scheduler)) < 1.1 * size


def test_atc_answers_more_in_time_than_any_policy_of_the_source():
    arrivals = crowd(600)
    due_s = {one.key: math.inf if one.due_s is None else one.due_s for one in arrivals}
    in_time = {}
    for name in NAMES:
        node = Node(make_scheduler(name), WORKERS).run(arrivals)
        in_time[name] = sum(ended_s <= due_s[key] for key, ended_s in node.ended_s.items())
    del in_time["edf"]  # not of the source
    assert in_time.pop("atc") > max(in_time.values())
