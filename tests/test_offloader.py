"""The loop as users see it: results, log rows, errors, threads, deadlines. Real model, real sockets."""

from __future__ import annotations

import dataclasses
import json
import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from offload_kit import jpeg, make, rows, until

from offload_sdk import (
    Classification,
    ConfigurationError,
    DeadlineExceededError,
    InvalidImageError,
    ModelError,
    OffloadConfig,
    Offloader,
    OffloadError,
    RemoteError,
)
from offload_sdk._types import Decision, Label, Outcome, Situation, Snapshot
from offload_sdk.decide import policy_by_name
from offload_sdk.testing import FaultyServer, LinkEmulator, ScriptedProbe

SECRET = "s3cr3t-t0ken"


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offloader]:
    """An offloader without a server, shared by the tests that only ask it for answers."""
    with make(tmp_path_factory.mktemp("local")) as offloader:
        yield offloader


def images_sent(server: FaultyServer) -> list:
    """What came to the server for a picture of ours; probes are tiny pictures, padded."""
    return [r for r in server.requests if r.path == "/analyze" and "offload-request-id" in r.headers]


# Results


def check_contract(result: Classification, top_k: int = 3) -> None:
    assert {field.name for field in dataclasses.fields(result)} >= {
        *("labels", "path", "endpoint", "model", "latency_s", "timings"),
        *("fallback", "hedged", "decision", "request_id"),
    }
    assert len(result.labels) == top_k
    probabilities = [label.probability for label in result.labels]
    assert probabilities == sorted(probabilities, reverse=True)
    assert all(0.0 <= probability <= 1.0 for probability in probabilities)
    assert all(0 <= label.index <= 999 and label.name for label in result.labels)
    assert result.path in ("local", "remote")
    assert (result.endpoint is None) == (result.path == "local")
    assert result.model
    assert result.latency_s > 0.0
    assert all(isinstance(s, float) and 0.0 <= s <= result.latency_s for s in result.timings.values())
    assert result.request_id
    for name, option in result.decision.predicted.items():
        assert option.option == name
        assert 0.0 < option.latency_mean_s < math.inf
        assert 0.0 < option.latency_p90_s < math.inf
        assert option.energy_j is None or option.energy_j >= 0.0
        assert option.cost_usd >= 0.0
        assert 0.0 <= option.success_probability <= 1.0
    assert result.decision.chosen in result.decision.predicted
    assert any(letter.isdigit() for letter in result.decision.reason)


@pytest.mark.light
def test_a_local_result_is_as_the_contract_says(local: Offloader) -> None:
    result = local.classify(jpeg())
    check_contract(result)
    assert (result.path, result.endpoint, result.model) == ("local", None, "efficientnet_lite0")
    assert (result.fallback, result.hedged, result.decision.chosen) == (False, False, "local")
    assert {"decode", "preprocess", "infer"} <= set(result.timings)


def test_a_remote_result_is_as_the_contract_says(server: FaultyServer, tmp_path: Path) -> None:
    with make(tmp_path, server.url, policy="remote") as offloader:
        result = offloader.classify(jpeg())
    check_contract(result)
    assert (result.path, result.endpoint, result.model) == ("remote", "edge", "faulty")
    assert (result.fallback, result.hedged, result.decision.chosen) == (False, False, "edge")
    assert result.labels[0].name == "tabby"
    assert set(result.decision.predicted) == {"local", "edge"}
    assert {"network", "server"} <= set(result.timings)


def test_the_request_tells_the_server_what_the_contract_says(server: FaultyServer, tmp_path: Path) -> None:
    with make(tmp_path, server.url, policy="remote", token=SECRET, probe={"enabled": False}) as offloader:
        result = offloader.classify(jpeg(), top_k=2, deadline_s=5.0)
    (request,) = images_sent(server)
    assert len(result.labels) == 2
    assert request.headers["authorization"] == f"Bearer {SECRET}"
    assert request.headers["offload-request-id"] == result.request_id
    assert 0.0 < float(request.headers["offload-deadline"]) <= 5.0
    assert float(request.headers["offload-battery"]) == pytest.approx(0.83, abs=0.001)
    assert float(request.headers["offload-signal"]) == pytest.approx(-55.0, abs=0.5)
    assert request.image is not None
    assert request.image.startswith(b"\xff\xd8")


@pytest.mark.light
def test_every_kind_of_image_gives_the_same_label(local: Offloader, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image

    file = tmp_path / "picture.jpg"
    file.write_bytes(jpeg(3))
    with Image.open(file) as opened:
        pixels = np.asarray(opened.convert("RGB"))
        kinds = [file, str(file), jpeg(3), bytearray(jpeg(3)), opened, Image.fromarray(pixels), pixels]
        names = [local.classify(image).labels[0].name for image in kinds]
    assert len(set(names)) == 1


@pytest.mark.light
def test_top_k_is_how_many(local: Offloader) -> None:
    assert len(local.classify(jpeg(), top_k=1).labels) == 1
    assert len(local.classify(jpeg(), top_k=100).labels) == 100


def test_a_server_that_always_sends_three_gives_no_more_than_were_asked_for(tmp_path: Path) -> None:
    """The header that asks for another number is an extension; the contract knows three."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Three) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with make(tmp_path, url, policy="remote", probe={"enabled": False}) as offloader:
            one, five = (offloader.classify(jpeg(), top_k=k) for k in (1, 5))
        server.shutdown()
        thread.join()
    assert [label.name for label in one.labels] == ["best"]
    assert [label.name for label in five.labels] == ["best", "middle", "worst"]


class _Three(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        labels = [("worst", 0.1), ("best", 0.6), ("middle", 0.2)]
        entries = [{"label": name, "probability": p, "index": 1} for name, p in labels]
        body = json.dumps({"predictions": entries, "model": "m", "request_id": "r"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.mark.light
@pytest.mark.parametrize(
    "arguments",
    [
        *({"top_k": value} for value in (0, 101, 2.0, "3")),
        *({"deadline_s": value} for value in (0, -1.0, math.nan, math.inf, "1")),
    ],
)
def test_a_wrong_argument_is_named(local: Offloader, arguments: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(arguments))):
        local.classify(jpeg(), **arguments)


# Many, decide, close


@pytest.mark.light
def test_classify_many_is_lazy_and_ordered(local: Offloader) -> None:
    taken: list[int] = []

    def images() -> Iterator[bytes]:
        for shade in range(6):
            taken.append(shade)
            yield jpeg(shade)

    results = local.classify_many(images())
    assert taken == []
    first = next(results)
    assert taken == [0]
    names = [first.labels[0].name, *(result.labels[0].name for result in results)]
    assert names == [local.classify(jpeg(shade)).labels[0].name for shade in range(6)]


@pytest.mark.light
def test_classify_many_raises_in_turn(local: Offloader) -> None:
    results = local.classify_many([jpeg(), b"text", jpeg()])
    assert next(results).labels
    with pytest.raises(InvalidImageError):
        next(results)


def test_decide_runs_nothing_and_logs_nothing(server: FaultyServer, tmp_path: Path) -> None:
    with make(tmp_path, server.url, policy="remote", probe={"enabled": False}) as offloader:
        decision = offloader.decide(jpeg(), deadline_s=1.0)
        assert isinstance(decision, Decision)
        assert decision.chosen == "edge"
        assert server.requests == ()
        assert rows(offloader) == []
        assert offloader.classify(jpeg()).path == "remote"
        assert len(rows(offloader)) == 1


@pytest.mark.light
def test_after_close_every_call_says_so(tmp_path: Path) -> None:
    offloader = make(tmp_path)
    offloader.classify(jpeg())
    offloader.close()
    offloader.close()
    for call in (offloader.classify, offloader.decide, lambda image: next(offloader.classify_many([image]))):
        with pytest.raises(OffloadError, match="closed"):
            call(jpeg())


def own_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("offload-")}


@pytest.mark.parametrize("fault", ["ok", "black_hole"])
def test_close_stops_its_threads_even_in_a_black_hole(fault: str, tmp_path: Path) -> None:
    before = own_threads()
    with FaultyServer(fault=fault) as server, LinkEmulator(server.url, uplink_mbps=50) as link:
        offloader = make(tmp_path, link.url, policy="remote", log={"shadow_rate": 1.0})
        offloader.classify(jpeg())
        until(lambda: server.requests, "a probe reached the server")
        started_s = time.monotonic()
        offloader.close()
        until(lambda: own_threads() <= before, "every thread of the offloader ended")
        assert time.monotonic() - started_s < 2.5  # without ending its exchanges a probe alone takes three


def test_a_failed_start_leaves_nothing_running(tmp_path: Path) -> None:
    before = own_threads()
    with pytest.raises(ModelError):
        Offloader(OffloadConfig(home=tmp_path, model=str(tmp_path / "missing.tflite")))
    with pytest.raises(ModelError, match="no_such_model"):
        Offloader(OffloadConfig(home=tmp_path, model="no_such_model"))
    assert own_threads() <= before


# The log


def test_a_row_holds_both_predictions_and_what_was_run(server: FaultyServer, tmp_path: Path) -> None:
    with make(tmp_path, server.url, policy="remote") as offloader:
        file = tmp_path / "photo.jpg"
        file.write_bytes(jpeg())
        remote = offloader.classify(file, deadline_s=4.0)
        server.fail("http_500", path="/analyze")
        fallen = offloader.classify(jpeg())
        first, second = rows(offloader)
    assert (first.request_id, first.source, first.deadline_s) == (remote.request_id, str(file), 4.0)
    assert set(first.decision.predicted) == {"local", "edge"}
    assert first.decision.reason == remote.decision.reason
    assert first.decision.propensity == 1.0
    assert (first.path, first.endpoint, first.model, first.labels) == ("remote", "edge", "faulty", remote.labels)
    assert [(o.option, o.role, o.status) for o in first.outcomes] == [("edge", "answer", "success")]
    assert first.snapshot.battery_frac == pytest.approx(0.83)
    assert (second.request_id, second.fallback, second.path) == (fallen.request_id, True, "local")
    assert [(o.option, o.role, o.status) for o in second.outcomes] == [
        ("edge", "answer", "failed"),
        ("local", "fallback", "success"),
    ]
    assert second.outcomes[0].error_kind == "status"
    assert "500" in (second.outcomes[0].error or "")


@pytest.mark.parametrize("policy", ["local", "remote"])
def test_a_shadow_rate_of_one_fills_both_sides(policy: str, server: FaultyServer, tmp_path: Path) -> None:
    with make(tmp_path, server.url, policy=policy, log={"shadow_rate": 1.0}) as offloader:
        for shade in range(5):
            result = offloader.classify(jpeg(shade))
            assert result.path == policy
            until(lambda: len(rows(offloader)[-1].outcomes) == 2, "the shadow run was logged")
        logged = rows(offloader)
    for row in logged:
        answer, shadow = row.outcomes
        assert (answer.role, shadow.role) == ("answer", "shadow")
        assert {answer.path, shadow.path} == {"local", "remote"}
        assert {answer.status, shadow.status} == {"success"}
        assert shadow.latency_s > 0.0


def test_shadow_runs_see_the_frame_as_it_was(server: FaultyServer, tmp_path: Path) -> None:
    """A camera writes its next picture into the same array, while the shadow of the last one still runs."""
    import numpy as np
    from PIL import Image

    one, other = (np.asarray(Image.open(_file(tmp_path, shade)).convert("RGB")) for shade in (1, 2))
    with make(tmp_path / "truth") as reference:
        truth = [reference.classify(frame).labels[0].index for frame in (one, other)]
    server.delay(0.15)
    frame = one.copy()
    with make(tmp_path, server.url, policy="remote", log={"shadow_rate": 1.0}) as offloader:
        offloader.classify(frame)
        frame[...] = other
        until(lambda: len(rows(offloader)[0].outcomes) == 2, "the shadow run was logged")
        assert rows(offloader)[0].outcomes[1].labels[0].index == truth[0]
    with make(tmp_path / "b", server.url, policy="local", log={"shadow_rate": 1.0}) as offloader:
        server.clear()
        offloader.classify(frame)
        frame[...] = 0
        until(lambda: images_sent(server), "the shadow run reached the server")
        sent = images_sent(server)[0].image
        assert sent is not None
        assert reference_label(tmp_path, sent) == truth[1]


def _file(folder: Path, shade: int) -> Path:
    file = folder / f"{shade}.jpg"
    file.write_bytes(jpeg(shade))
    return file


def reference_label(folder: Path, image: bytes) -> int:
    with make(folder, log={"enabled": False}) as reference:
        return reference.classify(image).labels[0].index


def test_a_token_is_in_no_status_no_row_no_error(server: FaultyServer, tmp_path: Path) -> None:
    server.fail("http_401")
    with make(tmp_path, server.url, policy="remote", token=SECRET) as offloader:
        result = offloader.classify(jpeg())
        texts = [repr(offloader.config), repr(offloader.status()), repr(result), repr(rows(offloader))]
        (row,) = rows(offloader)
    raw = b"".join(file.read_bytes() for file in tmp_path.glob("log.sqlite3*"))
    assert all(SECRET not in text for text in texts)
    assert SECRET.encode() not in raw
    assert row.outcomes[0].error_kind == "auth"
    assert "OFFLOAD_TOKEN" in (row.outcomes[0].error or "")


def test_without_a_log_it_classifies_all_the_same(tmp_path: Path) -> None:
    with make(tmp_path, log={"enabled": False}) as offloader:
        assert offloader.classify(jpeg()).labels
        assert not offloader.config.log_path.exists()
        assert offloader.status()["log"]["enabled"] is False


# Threads


def test_eight_threads_get_their_own_answers_and_one_row_each(tmp_path: Path) -> None:
    shades = [turn % 10 for turn in range(160)]
    with make(tmp_path / "truth") as reference:
        truth = {shade: reference.classify(jpeg(shade)).labels for shade in set(shades)}
    with make(tmp_path) as offloader:
        with ThreadPoolExecutor(8) as pool:
            results = list(pool.map(lambda shade: offloader.classify(jpeg(shade)), shades))
        logged = rows(offloader)
    for shade, result in zip(shades, results, strict=True):
        assert [label.index for label in result.labels] == [label.index for label in truth[shade]]
    ids = [result.request_id for result in results]
    assert len(set(ids)) == len(ids) == 160
    assert sorted(row.request_id for row in logged) == sorted(ids)
    by_id = {row.request_id: row for row in logged}
    assert all(by_id[result.request_id].labels == result.labels for result in results)


def test_threads_are_all_answered_by_a_flaky_server(tmp_path: Path) -> None:
    """Remote answers carry the picture's own mark, so one thread's answer cannot pass for another's."""

    def predict(image: bytes) -> list[Label]:
        return [Label(name=str(hash(image)), probability=0.5, index=1)]

    with FaultyServer(predict) as server:
        server.fail("reset", times=15)
        with make(tmp_path, server.url, policy="remote") as offloader:
            shades = [turn % 7 for turn in range(80)]
            with ThreadPoolExecutor(8) as pool:
                results = list(pool.map(lambda shade: (shade, offloader.classify(jpeg(shade))), shades))
            logged = rows(offloader)
    assert len({result.request_id for _, result in results}) == len(logged) == 80
    marks: dict[int, set[str]] = {}
    for shade, result in results:
        if result.path == "remote":
            marks.setdefault(shade, set()).add(result.labels[0].name)
    assert all(len(names) == 1 for names in marks.values())
    assert len(set.union(*marks.values())) == len(marks)


# Without the local path


def test_without_the_local_path_a_failure_is_a_remote_error(server: FaultyServer, tmp_path: Path) -> None:
    with make(tmp_path, server.url, local=False) as offloader:
        assert offloader.classify(jpeg()).path == "remote"
        server.fail("http_500", path="/analyze")
        with pytest.raises(RemoteError, match=r"edge.*500") as caught:
            offloader.classify(jpeg())
        assert caught.value.kind == "status"
        assert not isinstance(caught.value, DeadlineExceededError)
        row = rows(offloader)[-1]
        assert (row.labels, row.path) == ((), None)
        assert "500" in (row.error or "")
        server.recover()
        assert offloader.classify(jpeg()).path == "remote"


def test_without_the_local_path_a_wrong_token_says_what_to_check(server: FaultyServer, tmp_path: Path) -> None:
    server.fail("http_401")
    with make(tmp_path, server.url, local=False, token=SECRET) as offloader, pytest.raises(RemoteError) as caught:
        offloader.classify(jpeg())
    assert caught.value.kind == "auth"
    assert "OFFLOAD_TOKEN" in str(caught.value)
    assert SECRET not in str(caught.value)


def test_without_the_local_path_retry_after_reaches_the_caller(tmp_path: Path) -> None:
    with (
        FaultyServer(fault="http_503", retry_after_s=7.0) as server,
        make(tmp_path, server.url, local=False) as offloader,
        pytest.raises(RemoteError) as caught,
    ):
        offloader.classify(jpeg())
    assert (caught.value.kind, caught.value.retry_after_s) == ("refused", 7.0)


def test_without_the_local_path_nobody_there_is_a_clear_error(tmp_path: Path) -> None:
    with FaultyServer() as server:
        url = server.url
    with make(tmp_path, url, local=False) as offloader:
        for _ in range(4):  # also while the circuit is open
            with pytest.raises(RemoteError, match="connection") as caught:
                offloader.classify(jpeg())
            assert caught.value.kind == "connect"
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize("fault", ["black_hole", "slow_drip", "slow_drip_headers"])
def test_without_the_local_path_the_deadline_bounds_the_call(
    fault: str, server: FaultyServer, tmp_path: Path
) -> None:
    server.fail(fault, path="/analyze")
    with make(tmp_path, server.url, local=False, probe={"enabled": False}) as offloader:
        started_s = time.monotonic()
        with pytest.raises(DeadlineExceededError, match="400 ms") as caught:
            offloader.classify(jpeg(), deadline_s=0.4)
        took_s = time.monotonic() - started_s
    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, RemoteError)
    assert 0.35 < took_s < 3.0


def test_without_the_local_path_the_time_out_bounds_the_call(server: FaultyServer, tmp_path: Path) -> None:
    server.fail("black_hole", path="/analyze")
    with make(tmp_path, server.url, local=False, remote_timeout_s=0.3, probe={"enabled": False}) as offloader:
        started_s = time.monotonic()
        with pytest.raises(DeadlineExceededError):
            offloader.classify(jpeg())
        assert time.monotonic() - started_s < 3.0


# Deadlines with the local path


@pytest.mark.parametrize("fault", ["black_hole", "slow_drip"])
def test_a_deadline_leaves_time_for_the_local_path(fault: str, server: FaultyServer, tmp_path: Path) -> None:
    server.fail(fault, path="/analyze")
    with make(tmp_path, server.url, policy="remote", probe={"enabled": False}) as offloader:
        result = offloader.classify(jpeg(), deadline_s=0.6)
        assert (result.path, result.fallback) == ("local", True)
        assert result.latency_s < 1.5


@pytest.mark.parametrize("deadline_s", [1e-6, 1e6])
def test_an_extreme_deadline_still_gives_an_answer(
    deadline_s: float, server: FaultyServer, tmp_path: Path
) -> None:
    for policy in ("remote", "auto", "deadline"):
        with make(tmp_path, server.url, policy=policy) as offloader:
            assert offloader.classify(jpeg(), deadline_s=deadline_s).labels


def test_the_configured_deadline_holds_where_none_is_given(server: FaultyServer, tmp_path: Path) -> None:
    with make(tmp_path, server.url, policy="remote", deadline_s=3.0) as offloader:
        offloader.classify(jpeg())
        offloader.classify(jpeg(), deadline_s=2.0)
        assert [row.deadline_s for row in rows(offloader)] == [3.0, 2.0]


# Several endpoints


def test_a_dead_edge_beside_a_live_cloud(server: FaultyServer, tmp_path: Path) -> None:
    with FaultyServer() as gone:
        dead = gone.url
    with make(tmp_path, dead, server.url, local=False) as offloader:
        results = [offloader.classify(jpeg()) for _ in range(6)]
        assert [result.endpoint for result in results] == ["cloud"] * 6
        assert all(set(result.decision.predicted) == {"edge", "cloud"} for result in results)
        edge = next(e for e in offloader.status()["endpoints"] if e["name"] == "edge")
        assert edge["in_service"] is False
        assert edge["unavailable"]
        assert "edge is out" in offloader.decide(jpeg()).reason


def test_the_faster_of_two_endpoints_is_found(server: FaultyServer, tmp_path: Path) -> None:
    with FaultyServer() as slow:
        slow.delay(0.25)
        with make(tmp_path, slow.url, server.url, policy="remote", probe={"interval_s": 0.05}) as offloader:
            offloader.classify(jpeg())
            until(lambda: offloader.classify(jpeg()).endpoint == "cloud", "the faster endpoint was taken")
            assert [offloader.classify(jpeg()).endpoint for _ in range(5)] == ["cloud"] * 5


# Parts of one's own


def test_a_policy_of_ones_own_decides_and_learns(server: FaultyServer, tmp_path: Path) -> None:
    class Alternating:
        def __init__(self) -> None:
            self.turn = 0
            self.learned: list[tuple[str, tuple[str, ...]]] = []

        def decide(self, situation: Situation) -> Decision:
            self.turn += 1
            name = "local" if self.turn % 2 else "remote"
            return policy_by_name(
                name,
                seconds_per_joule=0.0,
                seconds_per_usd=0.0,
                battery_threshold_frac=0.0,
                signal_threshold_dbm=-200.0,
                deadline_probability=0.9,
            ).decide(situation)

        def learn(self, decision: Decision, outcomes: tuple[Outcome, ...]) -> None:
            self.learned.append((decision.chosen, tuple(outcome.option for outcome in outcomes)))

    mine = Alternating()
    with make(tmp_path, server.url, parts={"policy": mine}) as offloader:
        paths = [offloader.classify(jpeg()).path for _ in range(4)]
    assert paths == ["local", "remote"] * 2
    assert mine.learned == [("local", ("local",)), ("edge", ("edge",))] * 2


def test_a_probe_of_ones_own_steers_auto(server: FaultyServer, tmp_path: Path) -> None:
    weak = ScriptedProbe([Snapshot(taken_s=0.0, signal_dbm=-110.0)])
    with make(tmp_path, server.url, policy="auto", parts={"probe": weak}) as offloader:
        decision = offloader.decide(jpeg())
        assert decision.chosen == "local"
        assert "-110 dBm" in decision.reason
        assert offloader.status()["device"]["signal_dbm"] == -110.0


# Probes


def test_probes_keep_to_their_bytes(server: FaultyServer, tmp_path: Path) -> None:
    start_bytes = 20_000
    settings = {"interval_s": 0.02, "start_bytes": start_bytes, "budget_frac": 0.01}
    with make(tmp_path, server.url, policy="local", probe=settings) as offloader:
        end_s = time.monotonic() + 1.0
        payloads = 0
        while time.monotonic() < end_s:
            payloads += offloader.classify(jpeg()).decision.predicted["edge"].payload_bytes
    spent = sum(
        len(r.body) + sum(len(name) + len(value) + 4 for name, value in r.headers.items()) + 40
        for r in server.requests
    )
    assert len(server.requests) >= 5
    assert spent <= start_bytes + 0.01 * payloads


def test_without_probes_only_images_are_sent(server: FaultyServer, tmp_path: Path) -> None:
    with make(tmp_path, server.url, policy="remote", probe={"enabled": False}) as offloader:
        for _ in range(3):
            offloader.classify(jpeg())
        time.sleep(0.2)
    assert len(server.requests) == len(images_sent(server)) == 3


def test_status_is_plain_values(server: FaultyServer, tmp_path: Path) -> None:
    with make(tmp_path, server.url, policy="remote") as offloader:
        offloader.classify(jpeg())
        status = json.loads(json.dumps(offloader.status()))
    assert status["policy"] == "remote"
    assert status["local"]["model"] == "efficientnet_lite0"
    assert status["endpoints"][0]["name"] == "edge"
    assert status["endpoints"][0]["in_service"] is True
    assert status["endpoints"][0]["samples"] >= 1
    assert status["endpoints"][0]["rtt_s"] > 0.0
    assert status["log"]["rows"] == 1
    assert status["device"]["battery_frac"] == 0.83
