"""Bytes that change on the way, either way: nobody believes them, the device answers, and the log says why."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from offload_kit import images_sent, jpeg, make, rows

from offload_sdk import OffloadConfig, Offloader, RemoteError
from offload_sdk.digest import DigestCheck, format_digest, parse_digests
from offload_sdk.errors import RemoteError as SameError
from offload_sdk.execute.exchange import Exchange, HttpSession, Reply
from offload_sdk.testing import Fault, FaultyServer, ReceivedRequest


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


def holds(request: ReceivedRequest) -> bool:
    check = DigestCheck(parse_digests(request.headers["content-digest"]))
    check.update(request.body)
    return check.holds


def test_every_upload_goes_with_its_digest(server: FaultyServer, tmp_path: Path) -> None:
    with make(tmp_path, server.url, policy="remote") as offloader:
        assert offloader.classify(jpeg()).path == "remote"
        server.wait_for_requests(3)  # probes too
    uploads = [request for request in server.requests if request.body]
    assert uploads
    assert all(map(holds, uploads))
    assert not any("content-digest" in request.headers for request in server.requests if not request.body)


@pytest.mark.parametrize(
    ("fault", "told"),
    [("corrupt_answer", "answer was changed on the way"), ("corrupt_upload", "did not arrive as it was sent")],
)
def test_what_was_changed_is_not_believed_and_the_log_tells(
    fault: Fault, told: str, server: FaultyServer, tmp_path: Path
) -> None:
    with make(tmp_path, server.url, policy="remote", probe={"enabled": False}) as offloader:
        assert offloader.classify(jpeg()).path == "remote"
        server.fail(fault, times=1, path="/analyze")
        hurt = offloader.classify(jpeg(1))
        assert (hurt.path, hurt.fallback) == ("local", True)
        assert hurt.failure is not None
        assert told in hurt.failure
        assert offloader.classify(jpeg(2)).path == "remote"
        failed = next(o for o in rows(offloader)[1].outcomes if o.path == "remote")
    assert (failed.status, failed.error_kind) == ("failed", "integrity")
    assert holds(images_sent(server)[1]) == (fault == "corrupt_answer")


@pytest.mark.parametrize("fault", ["corrupt_answer", "corrupt_upload"])
def test_a_path_that_goes_on_changing_bytes_is_taken_out_of_service(
    fault: Fault, server: FaultyServer, tmp_path: Path
) -> None:
    circuit = {"failures": 2, "cooldown_s": 30.0, "max_cooldown_s": 30.0}
    server.fail(fault)
    with make(tmp_path, server.url, policy="remote", circuit=circuit, probe={"enabled": False}) as offloader:
        paths = [offloader.classify(jpeg(shade)).path for shade in range(4)]
        assert offloader.status()["endpoints"][0]["in_service"] is False
    assert paths == ["local"] * 4
    assert len(images_sent(server)) == 2


def test_without_the_local_path_the_error_says_what_it_was(server: FaultyServer, tmp_path: Path) -> None:
    server.fail("corrupt_answer", path="/analyze")
    config = OffloadConfig(server_url=server.url, local=False, policy="remote", home=tmp_path)
    with Offloader(config) as offloader, pytest.raises(RemoteError, match="changed on the way") as raised:
        offloader.classify(jpeg())
    assert raised.value.kind == "integrity"


class _Answers(BaseHTTPRequestHandler):
    """Any server: says what it is told to, with the digest that it is told to send."""

    protocol_version = "HTTP/1.1"
    body = json.dumps({"status": "ok"}).encode()
    digest: str | None = None

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.body)))
        if self.digest is not None:
            self.send_header("Content-Digest", self.digest)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


def asked(digest: str | None) -> Reply:
    handler = type("Answers", (_Answers,), {"digest": digest})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    session = HttpSession(f"http://127.0.0.1:{server.server_port}", token=None, ca_bundle=None, connections=1)
    try:
        return session.send(
            "GET", "/", connect_timeout_s=5.0, read_timeout_s=20.0, max_bytes=1000, exchange=Exchange()
        )
    finally:
        session.close()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.mark.parametrize("digest", [None, "", "md5=:AAAA:", format_digest(_Answers.body)])
def test_servers_that_send_no_digest_or_another_s_are_believed(digest: str | None) -> None:
    assert asked(digest).body == _Answers.body


@pytest.mark.parametrize("digest", [format_digest(b"else"), "sha-256=:AAAA:", "sha-256"])
def test_a_digest_that_cannot_hold_is_an_error(digest: str) -> None:
    with pytest.raises(SameError) as raised:
        asked(digest)
    assert raised.value.kind == "integrity"
