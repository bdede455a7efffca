"""Hedges with the real loop: one answer and one row whatever happens, and a loser that costs nobody anything."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from offload_kit import PATIENCE_S, images_sent, jpeg, make, rows, until

from offload_sdk import ConfigurationError, DeadlineExceededError, InvalidImageError, Offloader, OffloadError
from offload_sdk._types import Decision, Latency, Outcome, OutcomeRole, Record, Request, Situation
from offload_sdk.log import read_rows
from offload_sdk.testing import Fault, FaultyServer, LinkEmulator
from offload_sdk.typing import Executor, Picture

E = TypeVar("E", bound=Executor)
NEVER_S = 60.0
UNPROBED = {"enabled": False}
TOLERANT = {"failures": 1000, "cooldown_s": 0.05, "max_cooldown_s": 0.2}


class Hedge:
    """The same hedge for every image: `first` at once, `second` after so many seconds."""

    def __init__(self, first: str, second: str, after_s: float, shadow: tuple[str, ...] = ()) -> None:
        self.first, self.second, self.after_s, self.shadow = first, second, after_s, shadow

    def decide(self, situation: Situation) -> Decision:
        return Decision(
            chosen=self.first,
            path="local" if self.first == "local" else "remote",
            policy="hedge",
            reason=f"always, after {self.after_s} s",
            predicted={estimate.option: estimate for estimate in situation.estimates},
            shadow=self.shadow,
            second=self.second,
            second_after_s=self.after_s,
        )


class Held:
    """An executor whose runs begin and then wait until they are let go."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.begun = 0
        self.gate = threading.Event()

    def run(self, picture: Picture, request: Request, role: OutcomeRole, budget_s: float | None) -> Outcome:
        self.begun += 1
        picture.tensor({})
        assert self.gate.wait(PATIENCE_S)
        return self._executor.run(picture, request, role, budget_s)

    def close(self) -> None:
        self.gate.set()
        self._executor.close()


class Slow:
    """An executor on a device that takes this much longer."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self.delay_s = 0.15

    def run(self, picture: Picture, request: Request, role: OutcomeRole, budget_s: float | None) -> Outcome:
        time.sleep(self.delay_s)
        outcome = self._executor.run(picture, request, role, budget_s)
        timings = {**outcome.timings, "infer": outcome.timings["infer"] + self.delay_s}
        return replace(outcome, latency_s=outcome.latency_s + self.delay_s, timings=timings)

    def close(self) -> None:
        self._executor.close()


def put(offloader: Offloader, kind: type[E]) -> E:
    """Put another executor before that of the local path."""
    parts = offloader._parts
    put = kind(parts.by_name["local"].executor)
    parts.by_name["local"] = replace(parts.by_name["local"], executor=put)
    parts.sides = tuple(parts.by_name.values())
    return put


def hedging(
    home: Path, *urls: str, first: str = "edge", second: str = "local", after_s: float, **values: Any
) -> Offloader:
    shadow = values.pop("shadow", ())
    values = {"probe": UNPROBED, "circuit": TOLERANT, **values}
    return make(home, *urls, parts={"policy": Hedge(first, second, after_s, shadow)}, **values)


def own_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("offload-")}


def complete(offloader: Offloader, count: int = 2) -> Record:
    """Return the only row, once so many outcomes are in it."""
    until(lambda: len(rows(offloader)[-1].outcomes) >= count, f"{count} outcomes were logged")
    (row,) = rows(offloader)
    assert len(row.outcomes) == count
    return row


def nothing_queued(offloader: Offloader) -> bool:
    parts = offloader._parts
    return all(parts.backlog.wait_s(name, parts.clock()) == 0.0 for name in parts.by_name)


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


# Who wins


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


# What becomes of the loser


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


# Faults


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


# Any order


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


# What the next image sees


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
