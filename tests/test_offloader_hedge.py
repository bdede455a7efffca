"""Hedges with the real loop: one answer and one row whatever happens, and what the next image sees."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hedge_kit import (
    NEVER_S,
    Hedge,
    Held,
    complete,
    hedging,
    nothing_queued,
    own_threads,
    put,
)
from offload_kit import PATIENCE_S, images_sent, jpeg, make, rows, until

from offload_sdk import ConfigurationError, DeadlineExceededError
from offload_sdk._types import Outcome
from offload_sdk.log import read_rows
from offload_sdk.testing import Fault, FaultyServer
from offload_sdk.typing import Executor

E = TypeVar("E", bound=Executor)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


def test_a_first_option_that_answers_in_time_is_alone(server: FaultyServer, tmp_path: Path) -> None:
    with hedging(tmp_path, server.url, after_s=NEVER_S) as offloader:
        result = offloader.classify(jpeg())
        assert (result.path, result.hedged, result.fallback, result.failure) == ("remote", False, False, None)
        (row,) = rows(offloader)
    assert [(o.option, o.role, o.status) for o in row.outcomes] == [("edge", "answer", "success")]
    assert (row.hedged, row.decision.chosen) == (False, "edge")


def test_when_the_first_is_late_the_second_answers_and_the_first_is_learnt_from(
    server: FaultyServer, tmp_path: Path
) -> None:
    server.delay(0.5)
    with hedging(tmp_path, server.url, after_s=0.05) as offloader:
        result = offloader.classify(jpeg())
        assert (result.path, result.hedged, result.fallback, result.failure) == ("local", True, False, None)
        assert 0.05 <= result.latency_s < 0.5
        assert 0.05 <= result.timings["hedge"] < 0.5
        assert sum(result.timings.values()) <= result.latency_s
        row = complete(offloader)
        assert [(o.option, o.role, o.status) for o in row.outcomes] == [
            ("local", "hedge", "success"),
            ("edge", "answer", "success"),
        ]
        assert row.outcomes[1].latency_s >= 0.5
        assert (row.hedged, row.fallback, row.path) == (True, False, "local")
        until(lambda: offloader.status()["endpoints"][0]["samples"] == 1, "the late answer was learnt from")
        # Nothing was cut off, so the connection serves again.
        server.delay(0.0)
        until(lambda: not offloader.classify(jpeg()).hedged, "the endpoint answers in time again")
    assert server.connections == 1


def test_both_at_once_and_the_faster_one_counts(server: FaultyServer, tmp_path: Path) -> None:
    with hedging(tmp_path, server.url, first="local", second="edge", after_s=0.0) as offloader:
        held = put(offloader, Held)
        result = offloader.classify(jpeg())
        assert (result.path, result.endpoint, result.hedged, result.fallback) == ("remote", "edge", True, False)
        assert len(rows(offloader)[0].outcomes) == 1
        held.gate.set()
        row = complete(offloader)
    assert [(o.option, o.role, o.status) for o in row.outcomes] == [
        ("edge", "hedge", "success"),
        ("local", "answer", "success"),
    ]


def test_a_local_answer_waits_for_no_server(tmp_path: Path) -> None:
    with (
        FaultyServer(fault="black_hole") as server,
        hedging(tmp_path, server.url, first="local", second="edge", after_s=0.0) as offloader,
    ):
        result = offloader.classify(jpeg())
        assert (result.path, result.fallback) == ("local", False)
        assert result.latency_s < 0.9


@pytest.mark.parametrize(
    "fault", ["http_500", "http_400", "http_503", "wrong_json", "garbage", "reset", "truncated"]
)
def test_when_the_first_fails_early_the_second_starts_at_once(fault: Fault, tmp_path: Path) -> None:
    with FaultyServer(fault=fault) as server, hedging(tmp_path, server.url, after_s=NEVER_S) as offloader:
        result = offloader.classify(jpeg())
        assert (result.path, result.hedged, result.fallback) == ("local", False, True)
        assert result.failure
        assert sum(result.timings.values()) <= result.latency_s < 5.0
        row = complete(offloader)
    assert [(o.option, o.role) for o in row.outcomes] == [("edge", "answer"), ("local", "fallback")]
    assert row.outcomes[0].labels == ()


@pytest.mark.parametrize("fault", ["http_500", "wrong_json", "reset"])
def test_when_one_side_fails_the_other_is_awaited(fault: Fault, tmp_path: Path) -> None:
    with FaultyServer(fault=fault) as server, hedging(tmp_path, server.url, after_s=0.0) as offloader:
        held = put(offloader, Held)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(offloader.classify, jpeg())
            until(lambda: images_sent(server), "the server had the image")
            time.sleep(0.1)
            assert not waiting.done()
            held.gate.set()
            result = waiting.result(PATIENCE_S)
        assert (result.path, result.hedged, result.fallback) == ("local", True, True)
        assert result.failure
        row = complete(offloader)
    assert [(o.option, o.role) for o in row.outcomes] == [("edge", "answer"), ("local", "hedge")]
    assert sum(result.timings.values()) <= result.latency_s


def test_when_both_fail_the_rest_is_tried(server: FaultyServer, tmp_path: Path) -> None:
    with (
        FaultyServer(fault="http_500") as one,
        FaultyServer(fault="reset") as other,
        hedging(tmp_path, one.url, other.url, server.url, second="cloud", after_s=0.0, local=False) as offloader,
    ):
        result = offloader.classify(jpeg())
        assert (result.endpoint, result.hedged, result.fallback) == ("far", True, False)
        row = complete(offloader, 3)
    assert {o.option for o in row.outcomes[:2]} == {"edge", "cloud"}
    assert (row.outcomes[2].option, row.outcomes[2].role) == ("far", "fallback")


@pytest.mark.parametrize("after_s", [0.0, 0.05])
def test_a_deadline_bounds_a_hedge_between_two_endpoints(after_s: float, tmp_path: Path) -> None:
    with (
        FaultyServer(fault="black_hole") as one,
        FaultyServer(fault="black_hole") as other,
        hedging(tmp_path, one.url, other.url, second="cloud", after_s=after_s, local=False) as offloader,
    ):
        started_s = time.monotonic()
        with pytest.raises(DeadlineExceededError, match="300 ms"):
            offloader.classify(jpeg(), deadline_s=0.3)
        assert 0.25 < time.monotonic() - started_s < 3.0
        (row,) = rows(offloader)
    assert (row.labels, len(row.outcomes)) == ((), 2)


def test_an_option_that_there_is_not_is_named(server: FaultyServer, tmp_path: Path) -> None:
    with (
        hedging(tmp_path, server.url, second="nowhere", after_s=0.0) as offloader,
        pytest.raises(ConfigurationError, match="nowhere"),
    ):
        offloader.classify(jpeg())


def test_a_hedge_of_an_option_with_itself_is_none(server: FaultyServer, tmp_path: Path) -> None:
    with hedging(tmp_path, server.url, second="edge", after_s=0.0) as offloader:
        assert (offloader.classify(jpeg()).path, len(images_sent(server))) == ("remote", 1)
        server.fail("http_500")
        assert offloader.classify(jpeg()).fallback


@pytest.mark.parametrize(
    "fault", ["ok", "slow", "http_500", "http_503", "wrong_json", "reset", "slow_drip", "huge"]
)
def test_in_any_interleaving_there_is_one_answer_and_one_row(fault: Any, tmp_path: Path) -> None:
    with FaultyServer() as server, hedging(tmp_path, server.url, after_s=0.0, remote_timeout_s=0.6) as offloader:
        policy = offloader._parts.policy
        assert isinstance(policy, Hedge)
        if fault == "slow":
            server.delay(0.1)
        else:
            server.fail(fault)
        results = {}
        for first, second in (("edge", "local"), ("local", "edge")):
            for after_s in (0.0, 0.001, 0.004, 0.01, 0.02, 0.05, NEVER_S):
                policy.first, policy.second, policy.after_s = first, second, after_s
                result = offloader.classify(jpeg())
                assert result.labels
                assert sum(result.timings.values()) <= result.latency_s
                results[result.request_id] = result
        until(lambda: nothing_queued(offloader), "every loser ended")
        log = offloader.config.log_path
    logged = list(read_rows(log))
    assert [row.request_id for row in logged] == list(results)
    for row in logged:
        result = results[row.request_id]
        assert (row.labels, row.hedged, row.fallback) == (result.labels, result.hedged, result.fallback)
        options = [o.option for o in row.outcomes]
        assert len(options) == len(set(options)) <= 2
        roles = {o.option: o.role for o in row.outcomes}
        assert roles.get(row.decision.chosen, "answer") == "answer"  # it may have been barred, or dropped
        assert row.hedged == (len(roles) == 2 and "hedge" in roles.values())
        assert any(o.labels == row.labels and o.path == row.path for o in row.outcomes)


def test_threads_hedge_side_by_side(tmp_path: Path) -> None:
    with FaultyServer() as server:
        server.delay(0.02)
        server.fail("reset", times=10)
        with hedging(tmp_path, server.url, after_s=0.005) as offloader:
            with ThreadPoolExecutor(4) as pool:
                results = list(pool.map(lambda turn: offloader.classify(jpeg(turn % 7)), range(60)))
            until(lambda: nothing_queued(offloader), "every loser ended")
            local = [thread for thread in own_threads() if thread.name.startswith("offload-local")]
            log = offloader.config.log_path
        logged = {row.request_id: row for row in read_rows(log)}
    assert len(local) <= 1
    assert len(logged) == len({result.request_id for result in results}) == 60
    for result in results:
        row = logged[result.request_id]
        assert row.labels == result.labels
        assert len({o.option for o in row.outcomes}) == len(row.outcomes) <= 2


def test_predictions_stand_behind_what_is_queued(server: FaultyServer, tmp_path: Path) -> None:
    def wait_s(option: str) -> float:
        return offloader.decide(jpeg()).predicted[option].parts_s.get("wait", 0.0)

    with hedging(tmp_path, server.url, first="local", second="edge", after_s=0.0) as offloader:
        assert (wait_s("local"), wait_s("edge")) == (0.0, 0.0)
        held = put(offloader, Held)
        offloader.classify(jpeg())
        time.sleep(0.3)
        assert wait_s("local") > 0.1  # overdue
        assert wait_s("edge") == 0.0
        held.gate.set()
        until(lambda: wait_s("local") == 0.0, "the inference ended")
        server.delay(0.5)
        offloader.classify(jpeg())
        until(lambda: wait_s("edge") > 0.1, "the upload was overdue")
        until(lambda: wait_s("edge") == 0.0, "the upload ended")


def test_without_a_hedge_nothing_runs_in_another_thread(server: FaultyServer, tmp_path: Path) -> None:
    before = own_threads()
    names: list[str] = []

    class Told(Held):
        def run(self, *arguments: Any) -> Outcome:
            names.append(threading.current_thread().name)
            return super().run(*arguments)

    with make(tmp_path, server.url, policy="local") as offloader:
        held = put(offloader, Told)
        held.gate.set()
        offloader.classify(jpeg())
        started = {thread.name for thread in own_threads() - before}
    assert names == [threading.current_thread().name]
    assert not any(name.startswith(("offload-local", "offload-hedge")) for name in started)
