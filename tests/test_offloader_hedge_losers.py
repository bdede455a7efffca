"""What becomes of the side of a hedge that did not answer: it costs nobody anything, and is learnt from."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hedge_kit import (
    UNPROBED,
    Hedge,
    Held,
    Slow,
    complete,
    hedging,
    nothing_queued,
    own_threads,
    put,
)
from offload_kit import PATIENCE_S, images_sent, jpeg, make, rows, until

from offload_sdk import OffloadError
from offload_sdk._types import Decision, Outcome, Situation
from offload_sdk.log import read_rows
from offload_sdk.testing import FaultyServer, LinkEmulator
from offload_sdk.typing import Executor

E = TypeVar("E", bound=Executor)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


def test_an_inference_that_has_not_begun_is_dropped(server: FaultyServer, tmp_path: Path) -> None:
    with hedging(tmp_path, server.url, first="local", second="edge", after_s=0.0) as offloader:
        held = put(offloader, Held)
        first = offloader.classify(jpeg(0))
        second = offloader.classify(jpeg(1))  # its inference would come after the first one's, which is held
        assert (first.path, first.hedged) == ("remote", True)
        assert (second.path, second.hedged) == ("remote", False)
        held.gate.set()
        until(lambda: nothing_queued(offloader), "the first inference ended")
        assert held.begun == 1
        log = offloader.config.log_path
    logged = list(read_rows(log))
    assert [[o.option for o in row.outcomes] for row in logged] == [["edge", "local"], ["edge"]]


def test_a_dead_link_is_left_alone_from_the_next_image_on(server: FaultyServer, tmp_path: Path) -> None:
    """Before any time-out: an upload that is overdue makes its link look slow. After it: the circuit is open."""

    class AtP90:
        """The faster side; should the server be late, the device starts too. The first images learn the link."""

        seen = 0

        def decide(self, situation: Situation) -> Decision:
            predicted = {estimate.option: estimate for estimate in situation.estimates}
            faster = min(situation.estimates, key=lambda estimate: estimate.latency_mean_s).option
            self.seen += 1
            if situation.unavailable or (faster == "local" and self.seen > 3):
                chosen, second = "local", None
            else:
                chosen, second = "edge", "local"
            return Decision(
                chosen=chosen,
                path="local" if chosen == "local" else "remote",
                policy="p90",
                reason="the faster one, of 2",
                predicted=predicted,
                second=second,
                second_after_s=None if second is None else predicted["edge"].latency_p90_s,
            )

    slow_to_return = {"failures": 1, "cooldown_s": 30.0, "max_cooldown_s": 30.0}
    with (
        LinkEmulator(server.url, uplink_mbps=100, rtt_ms=1) as link,
        make(tmp_path, link.url, parts={"policy": AtP90()}, probe=UNPROBED, circuit=slow_to_return) as offloader,
    ):
        put(offloader, Slow)
        circuit = offloader._parts.by_name["edge"].circuit
        assert circuit is not None
        until(lambda: offloader.classify(jpeg()).path == "remote", "the device was found to be slow")
        until(lambda: not offloader.classify(jpeg()).hedged, "the link was known")
        link.black_hole(True)
        dead = offloader.classify(jpeg())
        assert (dead.path, dead.hedged) == ("local", True)
        results = []
        while not circuit.is_open:
            results.append(offloader.classify(jpeg()))
        assert len(results) >= 2
        for result in results:
            assert (result.path, result.hedged, result.decision.chosen) == ("local", False, "local")
        (endpoint,) = offloader.status()["endpoints"]
        assert "no answer" in endpoint["unavailable"]
        assert offloader.classify(jpeg()).decision.chosen == "local"
        row = next(row for row in rows(offloader) if row.request_id == dead.request_id)
        assert [(o.option, o.status, o.error_kind, o.censored) for o in row.outcomes] == [
            ("local", "success", None, False),
            ("edge", "failed", "timeout", True),
        ]


def test_close_ends_an_upload_that_lingers_and_says_so_in_its_row(tmp_path: Path) -> None:
    before = own_threads()
    with FaultyServer(fault="black_hole") as server:
        offloader = hedging(tmp_path, server.url, after_s=0.0)
        assert offloader.classify(jpeg()).path == "local"
        until(lambda: images_sent(server), "the image reached the server")
        started_s = time.monotonic()
        offloader.close()
        assert time.monotonic() - started_s < 0.9  # else it would have been its time-out that ended it
        until(lambda: own_threads() <= before, "every thread of the offloader ended")
        (row,) = read_rows(offloader.config.log_path)
        circuit = offloader._parts.by_name["edge"].circuit
    assert circuit is not None
    assert not circuit.is_open
    lost = row.outcomes[1]
    assert (lost.option, lost.role, lost.status) == ("edge", "answer", "ignored")
    assert (lost.censored, lost.error_kind) == (True, "cancelled")
    assert 0.0 < lost.timings["network"] <= lost.latency_s < 0.9


def test_close_lets_a_losing_inference_end(server: FaultyServer, tmp_path: Path) -> None:
    before = own_threads()
    offloader = hedging(tmp_path, server.url, second="edge", first="local", after_s=0.0)
    held = put(offloader, Held)
    assert offloader.classify(jpeg()).path == "remote"
    threading.Timer(0.2, held.gate.set).start()
    offloader.close()
    until(lambda: own_threads() <= before, "every thread of the offloader ended")
    (row,) = read_rows(offloader.config.log_path)
    assert [(o.option, o.status) for o in row.outcomes] == [("edge", "success"), ("local", "success")]


def test_close_leaves_no_caller_waiting(tmp_path: Path) -> None:
    before = own_threads()
    with FaultyServer(fault="black_hole") as server:
        offloader = hedging(tmp_path, server.url, after_s=0.0)
        put(offloader, Held)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(offloader.classify, jpeg())
            until(lambda: images_sent(server), "the image reached the server")
            offloader.close()
            assert waiting.exception(PATIENCE_S) is None or isinstance(waiting.exception(), OffloadError)
        until(lambda: own_threads() <= before, "every thread of the offloader ended")
        assert len(list(read_rows(offloader.config.log_path))) == 1


def test_a_policy_learns_at_once_that_an_upload_was_overtaken_and_later_how_it_ended(
    server: FaultyServer, tmp_path: Path
) -> None:
    class Learning(Hedge):
        learned: ClassVar[list[list[tuple[str, str, bool]]]] = []

        def learn(self, decision: Decision, outcomes: Iterable[Outcome]) -> None:
            self.learned.append([(o.option, o.status, o.censored) for o in outcomes])

    server.delay(0.3)
    policy = Learning("edge", "local", 0.02)
    with make(tmp_path, server.url, parts={"policy": policy}, probe=UNPROBED) as offloader:
        before_s = offloader.decide(jpeg()).predicted["edge"].parts_s["server"]
        result = offloader.classify(jpeg())
        assert policy.learned == [[("edge", "ignored", True), ("local", "success", False)]]
        until(lambda: len(policy.learned) == 2, "the upload ended")
        assert policy.learned[1] == [("edge", "success", False)]
        assert offloader.decide(jpeg()).predicted["edge"].parts_s["server"] > 2.0 * before_s
        row = complete(offloader)
    assert (result.path, [o.status for o in row.outcomes]) == ("local", ["success", "success"])


def test_a_loser_that_breaks_in_an_unforeseen_way_costs_no_answer(
    server: FaultyServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Breaking(Held):
        def run(self, *arguments: Any) -> Outcome:
            super().run(*arguments)
            raise ZeroDivisionError("what nobody foresaw")

    with hedging(tmp_path, server.url, first="local", second="edge", after_s=0.0) as offloader:
        held = put(offloader, Breaking)
        for _ in range(2):
            assert offloader.classify(jpeg()).path == "remote"
        held.gate.set()
        until(lambda: nothing_queued(offloader), "the inference ended")
        until(lambda: "what nobody foresaw" in caplog.text, "it was logged")
        assert len(rows(offloader)) == 2


def test_shadow_runs_do_not_repeat_what_the_hedge_ran(server: FaultyServer, tmp_path: Path) -> None:
    server.delay(0.2)
    with FaultyServer() as other:
        urls = (server.url, other.url)
        with hedging(tmp_path, *urls, after_s=0.0, shadow=("local", "cloud")) as offloader:
            assert offloader.classify(jpeg()).path == "local"
            row = complete(offloader, 3)
    assert sorted((o.option, o.role) for o in row.outcomes) == [
        ("cloud", "shadow"),
        ("edge", "answer"),
        ("local", "hedge"),
    ]


def test_the_energy_of_both_sides_is_counted(server: FaultyServer, tmp_path: Path) -> None:
    server.delay(0.1)
    with hedging(tmp_path, server.url, after_s=0.0) as offloader:
        parts = offloader._parts
        parts._profile = replace(parts._profile, cpu_active_w=2.0, radio_tx_w=1.0, radio_wait_w=0.5)
        offloader.classify(jpeg())
        row = complete(offloader)
    assert all(o.energy_j is not None and o.energy_j > 0.0 for o in row.outcomes)


@pytest.mark.parametrize("winner", ["local", "edge"])
def test_a_loser_sees_the_frame_as_it_was(winner: str, server: FaultyServer, tmp_path: Path) -> None:
    """A camera writes its next picture into the same array while the loser is still at work."""
    import numpy as np
    from PIL import Image

    for shade in (1, 2):
        (tmp_path / f"{shade}.jpg").write_bytes(jpeg(shade))
    one, other = (np.asarray(Image.open(tmp_path / f"{shade}.jpg").convert("RGB")) for shade in (1, 2))
    with make(tmp_path / "truth") as reference:
        truth = reference.classify(one).labels[0].index
        frame = one.copy()
        if winner == "local":
            server.delay(0.2)
        with hedging(tmp_path / "a", server.url, after_s=0.0) as offloader:
            held = put(offloader, Held)
            if winner == "local":
                held.gate.set()
            result = offloader.classify(frame)
            frame[...] = other
            held.gate.set()
            row = complete(offloader)
            if winner == "local":
                assert result.path == "local"
                sent = images_sent(server)[0].image
                assert sent is not None
                assert reference.classify(sent).labels[0].index == truth
            else:
                assert result.path == "remote"
                assert row.outcomes[1].labels[0].index == truth
