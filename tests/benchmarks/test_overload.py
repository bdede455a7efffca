"""The overload benchmark: who asks, what counts as in time and as recovered, and a short real run."""

from __future__ import annotations

import json
import random

import pytest

from benchmarks.overload.__main__ import main
from benchmarks.overload.bout import recovery_s
from benchmarks.overload.crowd import crowd, probes, requests
from benchmarks.server.client import Answer
from offload_sdk.wire import DEADLINE_HEADER


def test_a_third_of_the_crowd_is_urgent_and_probes_follow_at_equal_intervals() -> None:
    callers = crowd(per_s=100.0, load_s=60.0, urgent_s=0.2, pictures=3, rng=random.Random(1))
    urgent = [caller for caller in callers if caller.kind == "urgent"]
    assert len(callers) == pytest.approx(6000, rel=0.05)
    assert len(urgent) / len(callers) == pytest.approx(1 / 3, rel=0.05)
    assert {caller.context.deadline_s for caller in callers} == {0.2, 2.0}
    assert {caller.context.battery_frac for caller in urgent} == {0.08}
    assert {caller.picture for caller in callers} == {0, 1, 2}
    after = probes(per_s=10.0, begin_s=60.0, duration_s=0.3, pictures=2)
    assert [caller.at_s for caller in after] == pytest.approx([60.0, 60.1, 60.2])
    assert {caller.context.deadline_s for caller in after} == {None}


def test_each_kind_of_request_is_made_once_and_tells_its_deadline() -> None:
    callers = crowd(per_s=100.0, load_s=5.0, urgent_s=0.2, pictures=2, rng=random.Random(1))
    every = [*callers, *probes(per_s=10.0, begin_s=5.0, duration_s=0.4, pictures=2)]
    made = requests(every, [b"one", b"two"])
    assert len(made) == len(every)
    assert len({id(request) for request in made}) == 6
    for caller, request in zip(every, made, strict=True):
        assert (b"one", b"two")[caller.picture] in request
        deadline_s = caller.context.deadline_s
        told = None if deadline_s is None else f"{DEADLINE_HEADER}: {deadline_s:.3f}\r\n".encode()
        assert told in request if told else DEADLINE_HEADER.encode() not in request


def answer(number: int, *, latency_s: float = 0.01, status: int = 200) -> Answer:
    return Answer(status=status, due_s=60.0 + 0.1 * number, latency_s=latency_s)


def test_recovery_counts_from_the_end_of_the_load_to_the_first_of_twenty_normal_answers() -> None:
    normal = [answer(number) for number in range(60)]
    assert recovery_s(normal, 0.02, 60.0) == pytest.approx(0.0)
    slow = [answer(number, latency_s=0.03) for number in range(5)]
    assert recovery_s([*slow, *normal[5:]], 0.02, 60.0) == pytest.approx(0.5)
    refused = [*normal[:10], answer(10, status=503), *normal[11:]]
    assert recovery_s(refused, 0.02, 60.0) == pytest.approx(1.1)
    assert recovery_s(normal[:19], 0.02, 60.0) is None


def test_a_short_run_gives_each_scheduler_the_same_load(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--seconds", "1", "--after-s", "1", "--pace-s", "0.4", "--rounds", "1", "--json"])
    (held,) = json.loads(capsys.readouterr().out)["rounds"]
    assert list(held["bouts"]) == ["atc", "fcfs"]
    offered = {sum(bout["statuses"].values()) for bout in held["bouts"].values()}
    assert offered == {round(held["offered_per_s"])}
    for bout in held["bouts"].values():
        assert bout["statuses"]["200"] > 0
        assert 0.0 <= bout["urgent_frac"] <= 1.0
        assert bout["first_bytes"] > 0


def test_a_scheduler_that_does_not_exist_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        main(["--scheduler", "none-such"])
    assert capsys.readouterr().err.count("\n") == 1
