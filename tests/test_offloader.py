"""The loop as users see it: results, arguments, many images, closing, status. Real model, real sockets."""

from __future__ import annotations

import dataclasses
import json
import math
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from offload_kit import images_sent, jpeg, make, rows, until

from offload_sdk import (
    Classification,
    ConfigurationError,
    InvalidImageError,
    ModelError,
    OffloadConfig,
    Offloader,
    OffloadError,
)
from offload_sdk._config import AutoConfig
from offload_sdk._types import Decision, Outcome, Situation, Snapshot
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


# Parts of one's own


def test_a_policy_of_ones_own_decides_and_learns(server: FaultyServer, tmp_path: Path) -> None:
    class Alternating:
        def __init__(self) -> None:
            self.turn = 0
            self.learned: list[tuple[str, tuple[str, ...]]] = []

        def decide(self, situation: Situation) -> Decision:
            self.turn += 1
            name = "local" if self.turn % 2 else "remote"
            return policy_by_name(name, **AutoConfig().model_dump()).decide(situation)

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
