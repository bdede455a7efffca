"""Every fault of a server, with the real loop: each image answered, in bounded time, and remote used again."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import get_args

import pytest
from offload_kit import jpeg, make, rows, until

from offload_sdk import Offloader
from offload_sdk.testing import Fault, FaultyServer, LinkEmulator

HARMLESS = ("ok", "close_idle", "reset_reused")
FAULTS = [fault for fault in get_args(Fault) if fault not in HARMLESS]
BOUND_S = 5.0  # generous: the patience with a loopback endpoint is well under a second


@pytest.fixture(scope="module")
def server() -> Iterator[FaultyServer]:
    with FaultyServer(retry_after_s=0.1) as running:
        yield running


@pytest.fixture(scope="module")
def offloader(server: FaultyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Offloader]:
    with make(tmp_path_factory.mktemp("home"), server.url, policy="remote") as made:
        yield made


def remote_again(offloader: Offloader) -> None:
    until(lambda: offloader.classify(jpeg()).path == "remote", "remote was used again")
    assert offloader.classify(jpeg()).path == "remote"


@pytest.mark.parametrize("fault", FAULTS)
def test_every_image_is_answered_and_remote_is_used_again(
    fault: Fault, server: FaultyServer, offloader: Offloader
) -> None:
    server.recover()
    remote_again(offloader)
    server.fail(fault)
    started_s = time.monotonic()
    results = [offloader.classify(jpeg(shade)) for shade in range(4)]
    assert time.monotonic() - started_s < 2 * BOUND_S
    for result in results:
        assert result.path == "local"
        assert result.labels
        assert result.fallback == (result.decision.path == "remote")
        assert result.latency_s < BOUND_S
    # The circuit may have been opened by a probe already; else the first image meets the fault itself.
    assert any(result.fallback for result in results) or "edge is out" in results[0].decision.reason
    logged = rows(offloader)[-4:]
    assert [row.request_id for row in logged] == [result.request_id for result in results]
    for row in logged:
        for outcome in row.outcomes:
            if outcome.path == "remote":
                assert outcome.labels == ()
                assert outcome.error
                assert len(outcome.error) < 600
                assert "\n" not in outcome.error
    server.recover()
    remote_again(offloader)


@pytest.mark.parametrize("fault", ["http_500", "garbage", "reset", "black_hole"])
def test_a_dead_endpoint_is_left_alone(fault: Fault, tmp_path: Path) -> None:
    """Once the circuit is open, images do not go there one after the other."""
    slow_to_return = {"failures": 2, "cooldown_s": 30.0, "max_cooldown_s": 30.0}
    with (
        FaultyServer() as server,
        make(tmp_path, server.url, policy="remote", circuit=slow_to_return, probe={"enabled": False}) as offloader,
    ):
        offloader.classify(jpeg())
        server.fail(fault)
        server.clear()
        results = [offloader.classify(jpeg()) for _ in range(12)]
        assert [result.path for result in results] == ["local"] * 12
        assert 2 <= len(server.requests) <= 3  # two failures; and one stale connection may be replaced
        assert [result.fallback for result in results] == [True] * 2 + [False] * 10
        assert "edge is out" in results[-1].decision.reason


def test_a_server_that_is_killed_and_comes_back(tmp_path: Path) -> None:
    with FaultyServer() as server, make(tmp_path, server.url, policy="remote") as offloader:
        assert offloader.classify(jpeg()).path == "remote"
        server.stop()
        results = [offloader.classify(jpeg(shade)) for shade in range(6)]
        assert [result.path for result in results] == ["local"] * 6
        assert results[0].fallback or "edge is out" in results[0].decision.reason
        server.start()
        remote_again(offloader)
        assert len(rows(offloader)) >= 8


def test_a_link_that_goes_dark_and_comes_back(tmp_path: Path) -> None:
    with (
        FaultyServer() as server,
        LinkEmulator(server.url, uplink_mbps=50, rtt_ms=10) as link,
        make(tmp_path, link.url, policy="remote") as offloader,
    ):
        assert offloader.classify(jpeg()).path == "remote"
        link.black_hole(True)
        started_s = time.monotonic()
        results = [offloader.classify(jpeg(shade)) for shade in range(5)]
        assert time.monotonic() - started_s < 2 * BOUND_S
        assert [result.path for result in results] == ["local"] * 5
        link.black_hole(False)
        remote_again(offloader)
        link.refuse(True)
        link.reset()
        assert offloader.classify(jpeg()).path == "local"
        link.refuse(False)
        remote_again(offloader)


def images(server: FaultyServer) -> list:
    return [request for request in server.requests if request.path == "/analyze"]


def test_a_stale_connection_is_replaced_without_a_word(tmp_path: Path) -> None:
    with (
        FaultyServer(fault="close_idle") as server,
        make(tmp_path, server.url, policy="remote", probe={"enabled": False}) as offloader,
    ):
        results = []
        for shade in range(5):
            results.append(offloader.classify(jpeg(shade)))
            time.sleep(0.02)  # for the FIN to arrive
        assert [(result.path, result.fallback) for result in results] == [("remote", False)] * 5
        assert len(images(server)) == 5
        assert server.connections == 5


def test_a_connection_that_breaks_as_it_is_reused_is_replaced_once(tmp_path: Path) -> None:
    with (
        FaultyServer(fault="reset_reused") as server,
        make(tmp_path, server.url, policy="remote", probe={"enabled": False}) as offloader,
    ):
        first = offloader.classify(jpeg())
        second = offloader.classify(jpeg())
        assert [result.path for result in (first, second)] == ["remote"] * 2
        assert not second.fallback
        requests = images(server)
        assert [request.new_connection for request in requests] == [True, False, True]
        row = rows(offloader)[1]
        assert [(o.option, o.status) for o in row.outcomes] == [("edge", "success")]
        assert "network" not in row.outcomes[0].timings  # Karn: a retried exchange says nothing of the link


def test_a_new_connection_that_breaks_is_not_tried_twice(tmp_path: Path) -> None:
    with (
        FaultyServer(fault="reset") as server,
        make(tmp_path, server.url, policy="remote", probe={"enabled": False}) as offloader,
    ):
        assert offloader.classify(jpeg()).fallback
        assert len(images(server)) == 1
        server.recover()
        remote_again(offloader)
        server.clear()
        server.fail("reset")  # also the second time, on the new connection
        assert offloader.classify(jpeg()).fallback
        assert len(images(server)) == 2


def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else(tmp_path: Path) -> None:
    with (
        FaultyServer(fault="redirect") as server,
        make(tmp_path, server.url, policy="remote", token="s3cr3t") as offloader,
    ):
        assert offloader.classify(jpeg()).fallback
        error = rows(offloader)[0].outcomes[0].error or ""
        assert "307" in error
        assert {request.path for request in server.requests} <= {"/", "/analyze"}


def test_an_endless_answer_is_cut_off(tmp_path: Path) -> None:
    with FaultyServer(fault="huge") as server, make(tmp_path, server.url, policy="remote") as offloader:
        assert offloader.classify(jpeg()).fallback
        (outcome, _) = rows(offloader)[0].outcomes
        assert outcome.received_bytes < 1_000_000
        assert outcome.error_kind in ("protocol", "timeout")


class Liar(BaseHTTPRequestHandler):
    """Answers at once and says that it took an hour."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        entry = {"label": "tabby", "probability": 0.7, "index": 281}
        body = json.dumps({"predictions": [entry], "model": "liar", "request_id": "x"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Server-Timing", "queue;dur=3000000, infer;dur=3000000")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


def test_what_a_server_says_of_its_time_is_not_believed_past_the_call(tmp_path: Path) -> None:
    """Else a wrong Server-Timing makes an endpoint look slow, and dear where its hours have a price."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        priced = [{"name": "edge", "url": url, "usd_per_server_hour": 1.0}]
        with make(tmp_path, policy="remote", endpoints=priced, probe={"enabled": False}) as offloader:
            for _ in range(3):
                result = offloader.classify(jpeg())
                assert result.path == "remote"
                assert result.timings["server"] <= result.latency_s
            outcome = rows(offloader)[-1].outcomes[0]
            assert outcome.cost_usd <= 1.0 * outcome.latency_s / 3600.0
            assert offloader.decide(jpeg()).predicted["edge"].latency_mean_s < 2.0
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("http_400", "input"),
        ("http_401", "auth"),
        ("http_413", "input"),
        ("http_429", "refused"),
        ("http_500", "status"),
        ("http_502", "status"),
        ("http_503", "refused"),
        ("http_504", "late"),
        ("garbage", "protocol"),
        ("wrong_json", "protocol"),
        ("huge", "protocol"),
        ("truncated", "broken"),
        ("reset", "broken"),
        ("redirect", "status"),
        ("black_hole", "timeout"),
        ("slow_drip", "timeout"),
        ("slow_drip_headers", "timeout"),
    ],
)
def test_each_fault_has_its_kind(fault: Fault, kind: str, tmp_path: Path) -> None:
    from offload_sdk.errors import RemoteError

    with (
        FaultyServer(fault=fault) as server,
        make(
            tmp_path,
            server.url,
            local=False,
            remote_timeout_s=0.4,
            probe={"enabled": False},
            log={"enabled": False},
        ) as offloader,
        pytest.raises(RemoteError) as caught,
    ):
        offloader.classify(jpeg())
    assert caught.value.kind == kind, str(caught.value)
