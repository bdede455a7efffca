"""What the server refuses: too large, too late, too many, without a token, too slow, gone."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

BOUND = 100_000


def multipart(size_bytes: int) -> Iterator[bytes]:
    yield b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n'
    for _ in range(size_bytes // 10_000):
        yield b"x" * 10_000
    yield b"\r\n--b--\r\n"


FORM = {"Content-Type": "multipart/form-data; boundary=b"}


def test_a_large_body_is_413_by_its_length(start_server, error_code):
    server = start_server(max_body_bytes=BOUND)
    response = server.analyze(b"x" * 3 * BOUND)
    assert (response.status_code, error_code(response)) == (413, "too_large")
    assert server.model.seen == []
    assert server.analyze(b"x" * (BOUND - 1000)).status_code == 200


@pytest.mark.parametrize("size_bytes", [2 * BOUND, 30 * BOUND])
def test_a_large_body_is_413_while_it_streams(start_server, size_bytes, error_code):
    server = start_server(max_body_bytes=BOUND)
    try:
        response = requests.post(f"{server.url}/analyze", data=multipart(size_bytes), headers=FORM, timeout=20)
    except requests.ConnectionError:
        assert size_bytes > 2 * BOUND  # far beyond the bound the server may hang up on the sender
    else:
        assert (response.status_code, error_code(response)) == (413, "too_large")
    assert server.analyze().status_code == 200
    assert server.model.seen == [b"picture"]


def test_a_chunked_body_within_the_bound_is_fine(start_server):
    server = start_server(max_body_bytes=BOUND)
    response = requests.post(f"{server.url}/analyze", data=multipart(50_000), headers=FORM, timeout=20)
    assert response.status_code == 200
    assert server.model.seen == [b"x" * 50_000]


def test_an_endless_body_is_cut_off(start_server):
    server = start_server(max_body_bytes=BOUND)
    with socket.create_connection((server.host, server.port), timeout=20) as peer:
        peer.sendall(
            b"POST /analyze HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        sent_bytes = 0
        chunk = b"2710\r\n" + b"x" * 10_000 + b"\r\n"
        with contextlib.suppress(OSError):  # reset or broken pipe, as the kernel likes
            while sent_bytes < 100 * 2**20:
                peer.sendall(chunk)
                sent_bytes += len(chunk)
    assert sent_bytes < 100 * 2**20
    assert server.analyze().status_code == 200


def test_a_body_that_never_comes_is_408(start_server):
    server = start_server(body_timeout_s=0.3)
    with socket.create_connection((server.host, server.port), timeout=20) as peer:
        peer.sendall(
            b"POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
        )
        assert peer.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_the_token_is_needed_when_there_is_one(start_server, error_code):
    server = start_server(tokens=("first", "second"))
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Bearer "},
        {"Authorization": "first"},
        {"Authorization": "Basic first"},
        {"Authorization": "Bearer firs\u00e9"},
    ):
        response = server.analyze(headers={name: value.encode("latin-1") for name, value in headers.items()})
        assert (response.status_code, error_code(response)) == (401, "unauthorized")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    for token in ("first", "second"):
        assert server.analyze(headers={"Authorization": f"Bearer {token}"}).status_code == 200
    assert server.analyze(headers={"Authorization": "bearer first"}).status_code == 200
    assert requests.get(server.url, timeout=10).status_code == 200


@pytest.mark.parametrize("left_s", ["0", "-1.5"])
def test_a_deadline_that_is_past_is_504_at_once(live_server, left_s, error_code):
    response = live_server.analyze(headers={"Offload-Deadline": left_s})
    assert (response.status_code, error_code(response)) == (504, "deadline_exceeded")
    assert live_server.model.seen == []


@pytest.mark.parametrize("left_s", ["5", "nan", "soon"])
def test_a_deadline_ahead_or_without_sense_is_no_obstacle(live_server, left_s):
    assert live_server.analyze(headers={"Offload-Deadline": left_s}).status_code == 200


def test_a_deadline_that_passes_in_the_queue_is_504_while_the_worker_is_still_busy(start_server, error_code):
    server = start_server(workers=1)
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(server.analyze, b"wait")
        assert server.model.entered.acquire(timeout=10)
        response = server.analyze(b"late", headers={"Offload-Deadline": "0.1"})
        assert (response.status_code, error_code(response)) == (504, "deadline_exceeded")
        assert not busy.done()
        server.model.gate.set()
        assert busy.result().status_code == 200
    assert server.model.seen == [b"wait"]


def test_a_full_queue_is_503_with_retry_after_and_recovers(start_server, error_code):
    server = start_server(workers=1, queue_bound=2)
    with ThreadPoolExecutor(3) as threads:
        taken = [threads.submit(server.analyze, b"wait")]
        assert server.model.entered.acquire(timeout=10)
        taken += [threads.submit(server.analyze) for _ in range(2)]
        server.until(lambda: len(server.pool._waiting) == 2)
        refused = server.analyze(b"one too many")
        assert (refused.status_code, error_code(refused)) == (503, "overloaded")
        assert int(refused.headers["Retry-After"]) >= 1
        assert requests.get(server.url, timeout=10).status_code == 200
        server.model.gate.set()
        assert [answer.result().status_code for answer in taken] == [200, 200, 200]
    assert server.analyze().status_code == 200
    assert b"one too many" not in server.model.seen


def test_a_caller_who_leaves_the_queue_frees_its_place(start_server):
    server = start_server(workers=1, queue_bound=1)
    with ThreadPoolExecutor(1) as threads:
        busy = threads.submit(server.analyze, b"wait")
        assert server.model.entered.acquire(timeout=10)
        body = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\ngone\r\n--b--\r\n'
        peer = socket.create_connection((server.host, server.port), timeout=20)
        peer.sendall(
            b"POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n%s" % (len(body), body)
        )
        server.until(lambda: len(server.pool._waiting) == 1)
        peer.close()
        server.until(lambda: not server.pool._waiting)
        server.model.gate.set()
        assert busy.result().status_code == 200
    assert server.analyze(b"next").status_code == 200
    assert server.model.seen == [b"wait", b"next"]


def test_a_caller_who_leaves_while_its_picture_is_worked_on_frees_the_worker_at_the_end_of_it(start_server):
    server = start_server(workers=1, queue_bound=0)
    with pytest.raises(requests.Timeout):
        requests.post(f"{server.url}/analyze", files={"image": b"wait"}, timeout=0.2)
    assert server.model.entered.acquire(timeout=10)
    assert server.analyze().status_code == 503
    server.model.gate.set()
    server.until(lambda: server.pool.intake.bodies == 0)
    assert server.analyze().status_code == 200


def test_a_deadline_that_cannot_be_met_is_504_before_the_body_is_sent(start_server):
    server = start_server(workers=1)
    for _ in range(30):
        server.pool._service.learn(1000, 0.5, time.monotonic())
    with socket.create_connection((server.host, server.port), timeout=20) as peer:
        peer.sendall(
            b"POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nOffload-Deadline: 0.1\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        assert peer.recv(4096).startswith(b"HTTP/1.1 504 ")
    assert server.analyze(headers={"Offload-Deadline": "20"}).status_code == 200


def test_a_caller_who_leaves_during_the_upload_or_the_work_does_no_harm(live_server):
    head = (
        b"POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
    )
    for _ in range(5):
        with socket.create_connection((live_server.host, live_server.port), timeout=20) as peer:
            peer.sendall(head)
    with pytest.raises(requests.Timeout):
        requests.post(f"{live_server.url}/analyze", files={"image": b"wait"}, timeout=0.2)
    live_server.model.gate.set()
    assert live_server.analyze().status_code == 200
    live_server.until(lambda: not live_server.pool._running)


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 4_000_000 + b"\r\n\r\n",
        b"POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n",
        b"POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
    ],
)
def test_what_is_not_http_does_not_hurt(live_server, request_bytes):
    with socket.create_connection((live_server.host, live_server.port), timeout=20) as peer:
        try:
            peer.sendall(request_bytes)
            answer = peer.recv(4096)
        except ConnectionResetError:
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
    assert live_server.analyze().status_code == 200
