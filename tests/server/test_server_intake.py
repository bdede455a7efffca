"""Uploads that do not end: the bodies in memory are bounded, by number and by bytes."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

BOUND = 100_000
FORM = b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
PART = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n'


@contextlib.contextmanager
def upload(server, head: bytes, body: bytes = b"") -> Iterator[socket.socket]:
    """Send a head and the beginning of a body, and let the rest wait."""
    with socket.create_connection((server.host, server.port), timeout=20) as peer:
        peer.sendall(b"POST /analyze HTTP/1.1\r\nHost: x\r\n" + head + FORM + body)
        yield peer


def declared(size_bytes: int) -> bytes:
    return b"Content-Length: %d\r\n" % size_bytes


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def assert_overloaded(response, code: str) -> None:
    assert (response.status_code, code) == (503, "overloaded")
    assert int(response.headers["Retry-After"]) >= 1


def test_unfinished_uploads_take_the_places_of_the_queue(start_server, error_code):
    server = start_server(workers=1, queue_bound=1)
    with upload(server, declared(1000)) as first, upload(server, declared(1000)):
        server.until(lambda: server.pool.intake.bodies == 2)
        refused = server.analyze()
        assert_overloaded(refused, error_code(refused))
        first.close()
        server.until(lambda: server.pool.intake.bodies == 1)
        assert server.analyze().status_code == 200
    server.until(lambda: server.pool.intake.bodies == 0)


def test_declared_bytes_are_reserved_before_they_come(start_server, error_code):
    server = start_server(max_body_bytes=BOUND, max_inflight_bytes=BOUND)
    with upload(server, declared(BOUND - 100)):
        server.until(lambda: server.pool.intake.bodies == 1)
        refused = server.analyze()
        assert_overloaded(refused, error_code(refused))
        assert server.pool.intake.bodies == 1
    server.until(lambda: server.pool.intake.held_bytes == 0)
    assert server.analyze().status_code == 200


def test_a_chunked_body_is_refused_when_it_outgrows_the_room(start_server):
    server = start_server(max_body_bytes=BOUND, max_inflight_bytes=BOUND)
    chunked = b"Transfer-Encoding: chunked\r\n"
    with (
        upload(server, declared(BOUND // 2)),
        upload(server, chunked, chunk(PART + b"x" * (BOUND // 4))) as growing,
    ):
        server.until(lambda: server.pool.intake.held_bytes > BOUND // 2 + BOUND // 4)
        growing.sendall(chunk(b"x" * (BOUND // 4)) + b"0\r\n\r\n")
        assert growing.recv(4096).startswith(b"HTTP/1.1 503 ")
        assert server.pool.intake.held_bytes == BOUND // 2
        assert server.analyze().status_code == 200


def test_a_body_keeps_its_room_while_it_is_worked_on_even_unheard(start_server, error_code):
    server = start_server(max_body_bytes=BOUND, max_inflight_bytes=BOUND)
    large = b"wait" + b"x" * (BOUND - 1000)
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(server.analyze, large)
        assert server.model.entered.acquire(timeout=10)
        refused = server.analyze(b"x" * 2000)
        assert_overloaded(refused, error_code(refused))
        server.model.gate.set()
        assert busy.result().status_code == 200
    server.until(lambda: (server.pool.intake.bodies, server.pool.intake.held_bytes) == (0, 0))


@pytest.mark.parametrize(
    "body", [b"no form at all", PART + b"bad\r\n--b--\r\n", PART + b"crash\r\n--b--\r\n", b""]
)
def test_a_request_that_fails_gives_its_place_back(live_server, body):
    for _ in range(8):  # more than there are places
        with upload(live_server, declared(len(body)), body) as peer:
            assert peer.recv(4096).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 500 "))
    live_server.until(lambda: (live_server.pool.intake.bodies, live_server.pool.intake.held_bytes) == (0, 0))


def test_a_slow_body_gives_its_place_back(start_server):
    server = start_server(workers=1, queue_bound=0, body_timeout_s=0.2)
    with upload(server, declared(1000), PART) as peer:
        assert peer.recv(4096).startswith(b"HTTP/1.1 408 ")
        assert server.analyze().status_code == 200
