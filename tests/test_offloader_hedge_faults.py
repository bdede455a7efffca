"""Hedges with the real loop where something breaks in an unforeseen way."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from hedge_kit import (
    NEVER_S,
    UNPROBED,
    Hedge,
    complete,
    hedging,
    nothing_queued,
)
from offload_kit import PATIENCE_S, jpeg, make, rows, until

from offload_sdk import InvalidImageError
from offload_sdk._types import Decision, Latency, Situation
from offload_sdk.testing import Fault, FaultyServer
from offload_sdk.typing import Executor

E = TypeVar("E", bound=Executor)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


def torn() -> bytes:
    """A JPEG with a good header and no more than the beginning of its pixels."""
    return jpeg(4, side=900)[:900]


@pytest.mark.parametrize(("first", "second"), [("edge", "local"), ("local", "edge")])
def test_a_picture_that_is_torn_is_one_error_and_says_nothing_of_the_options(
    first: str, second: str, server: FaultyServer, tmp_path: Path
) -> None:
    with hedging(tmp_path, server.url, first=first, second=second, after_s=0.0) as offloader:
        for _ in range(3):
            with pytest.raises(InvalidImageError):
                offloader.classify(torn())
        until(lambda: nothing_queued(offloader), "nothing was left behind")
        assert rows(offloader) == []
        assert offloader.classify(jpeg()).labels
        assert len(rows(offloader)) == 1
        assert offloader.status()["endpoints"][0]["in_service"]


@pytest.mark.parametrize("without", [("local",), ("edge",), ("local", "edge")])
@pytest.mark.parametrize("fault", ["ok", "http_500", "black_hole"])
def test_without_a_thread_to_be_had_options_run_one_after_the_other(
    without: tuple[str, ...], fault: Fault, tmp_path: Path
) -> None:
    with (
        FaultyServer(fault=fault) as server,
        hedging(tmp_path, server.url, after_s=0.0, remote_timeout_s=0.5) as offloader,
    ):
        for name in without:
            offloader._parts.by_name[name].workers.close()  # takes no call any more
        for _ in range(2):
            result = offloader.classify(jpeg())
            assert result.labels
            assert sum(result.timings.values()) <= result.latency_s
        until(lambda: nothing_queued(offloader), "nothing was left behind")
        assert len(rows(offloader)) == 2


def test_a_server_expected_to_take_longer_than_any_may_fails_all_the_same(
    server: FaultyServer, tmp_path: Path
) -> None:
    """Else the trial of a circuit would count for nothing after an outage that has made the link look hopeless."""

    class Hopeless(Hedge):
        def decide(self, situation: Situation) -> Decision:
            decision = super().decide(situation)
            edge = replace(decision.predicted["edge"], latency=Latency(mean_s=50.0, sd_s=10.0))
            return replace(decision, predicted={**decision.predicted, "edge": edge})

    server.delay(PATIENCE_S)
    parts = {"policy": Hopeless("edge", "local", 0.0)}
    with make(tmp_path, server.url, parts=parts, probe=UNPROBED, remote_timeout_s=0.3) as offloader:
        offloader.classify(jpeg())
        statuses = {
            outcome.option: (outcome.status, outcome.error_kind) for outcome in complete(offloader).outcomes
        }
    assert statuses["edge"] == ("failed", "timeout")


def test_an_interrupt_passes_and_the_next_image_is_as_good_as_any(server: FaultyServer, tmp_path: Path) -> None:
    server.delay(0.4)
    with hedging(tmp_path, server.url, after_s=NEVER_S) as offloader:
        main = threading.main_thread().ident
        assert main is not None
        threading.Timer(0.15, signal.pthread_kill, (main, signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            offloader.classify(jpeg())
        until(lambda: nothing_queued(offloader), "the upload ended by itself")
        server.delay(0.0)
        assert offloader.classify(jpeg()).path == "remote"
        assert len(rows(offloader)) == 1


def test_a_trial_of_a_half_open_circuit_that_loses_does_not_bar_the_next(
    server: FaultyServer, tmp_path: Path
) -> None:
    quick = {"failures": 1, "cooldown_s": 0.05, "max_cooldown_s": 0.05}
    with hedging(tmp_path, server.url, after_s=0.0, circuit=quick) as offloader:
        circuit = offloader._parts.by_name["edge"].circuit
        assert circuit is not None
        server.fail("http_500", times=1)
        offloader.classify(jpeg())
        until(lambda: circuit.is_open, "the circuit opened")
        server.delay(0.2)
        time.sleep(0.1)
        assert offloader.classify(jpeg()).path == "local"  # the trial is under way
        until(lambda: not circuit.is_open, "the late answer closed the circuit")
