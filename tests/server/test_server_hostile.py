"""Peers that mean harm: connections held for nothing, heads and bodies that drip, requests that two servers would
read differently, pictures that are larger than they look. The server refuses, lives, and stays small."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from server_stub.door import Guest, least_needed
from server_stub.gate import body_time_s


def connect(server) -> socket.socket:
    return socket.create_connection((server.host, server.port), timeout=20)


def is_closed(peer: socket.socket) -> bool:
    """Whether the server has closed the connection; waits for that, up to the socket's timeout."""
    try:
        return peer.recv(65536) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@contextlib.contextmanager
def crowd(server, count: int, greeting: bytes = b"") -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        peers = []
        for _ in range(count):
            peer = stack.enter_context(connect(server))
            if greeting:
                with contextlib.suppress(OSError):  # it may have been shown out already
                    peer.sendall(greeting)
            peers.append(peer)
        yield peers


# Connections.


@pytest.mark.parametrize("greeting", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_idle_connections_lock_nobody_out(start_server, greeting):
    server = start_server(max_connections=20)
    with crowd(server, 100, greeting):
        for _ in range(3):
            assert requests.get(server.url, timeout=10).status_code == 200
            assert server.analyze().status_code == 200
    assert server.analyze().status_code == 200


def test_the_connection_that_has_been_idle_longest_goes_first(start_server):
    server = start_server(max_connections=3)
    with requests.Session() as newcomer, crowd(server, 3) as peers:
        assert newcomer.get(server.url, timeout=10).status_code == 200
        assert is_closed(peers[0])
        for peer in peers[1:]:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")


def test_when_all_connections_work_a_newcomer_is_told_so(start_server, error_code):
    server = start_server(max_connections=1, workers=1)
    body = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nwait\r\n--b--\r\n'
    with connect(server) as busy:
        busy.sendall(
            b"POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n%s" % (len(body), body)
        )
        assert server.model.entered.acquire(timeout=10)
        refused = requests.get(server.url, timeout=10)
        assert (refused.status_code, error_code(refused)) == (503, "overloaded")
        assert int(refused.headers["Retry-After"]) >= 1
        server.model.gate.set()
        assert busy.recv(4096).startswith(b"HTTP/1.1 200 ")
    assert server.analyze().status_code == 200


def guest(client: str, accepted_s: float) -> Guest:
    made = Guest(client, accepted_s)
    made.shakes_hands = True
    return made


def test_the_client_with_the_most_connections_loses_one_first():
    hog = [guest("hog", float(number)) for number in range(5, 9)]
    others = [guest("old", 0.0), guest("older", -1.0)]
    assert least_needed([*others, *hog]) is hog[0]
    assert least_needed(others) is others[1]
    assert least_needed([]) is None


@pytest.mark.parametrize(
    ("first", "drip"),
    [
        (b"", b""),
        (b"", b"\r\n"),
        (b"GET / HTTP/1.1\r\n", b"X: y\r\n"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"G"),
    ],
)
def test_a_head_that_drips_is_cut_off(start_server, first, drip):
    server = start_server(head_timeout_s=0.4)
    with connect(server) as peer:
        peer.sendall(first)
        if first.endswith(b"\r\n\r\n"):
            assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")
        peer.settimeout(0.1)
        end_s = time.monotonic() + 15
        while not is_closed(peer):
            assert time.monotonic() < end_s
            with contextlib.suppress(OSError):
                peer.sendall(drip)
    assert server.analyze().status_code == 200


def accepted(server) -> list[object]:
    """The server's ends of its connections; it runs in this process."""
    found = psutil.net_connections("tcp4")
    return [each for each in found if each.pid == os.getpid() and each.raddr and each.laddr.port == server.port]


def test_a_peer_that_does_not_read_its_answers_is_cut_off(start_server):
    server = start_server(head_timeout_s=0.4)
    with connect(server) as peer:
        peer.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)
        server.until(lambda: accepted(server))
        server.until(lambda: not accepted(server))  # the buffers on the way are full before
        answers = b""
        with contextlib.suppress(OSError):
            while part := peer.recv(2**20):
                answers += part
    assert 0 < answers.count(b"HTTP/1.1 200 ") < 2000
    assert server.analyze().status_code == 200


def test_a_connection_between_two_requests_may_rest_for_longer_than_a_head(start_server):
    server = start_server(head_timeout_s=0.2)
    with connect(server) as peer:
        for _ in range(2):
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")
            time.sleep(0.5)


# Requests.


def exchange(server, request: bytes) -> bytes:
    """Send bytes as they are and return all that comes back until the server closes or has nothing more to say."""
    with connect(server) as peer:
        with contextlib.suppress(OSError):
            peer.sendall(request)
        peer.settimeout(1.0)
        answer = b""
        with contextlib.suppress(OSError):
            while part := peer.recv(65536):
                answer += part
    return answer


FORM = b"Content-Type: multipart/form-data; boundary=b\r\n"
BODY = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\nx\r\n--b--\r\n'
LENGTH = b"Content-Length: %d\r\n" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
POST = b"POST /analyze HTTP/1.1\r\nHost: x\r\n" + FORM
SECOND = b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "request_bytes",
    [
        POST + LENGTH + CHUNKED + b"\r\n0\r\n\r\n" + SECOND,
        POST + CHUNKED + LENGTH + b"\r\n0\r\n\r\n" + SECOND,
        POST.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n0\r\n\r\n" + SECOND,
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + BODY + SECOND,
        POST + b"Content-Length: +5\r\n\r\n" + BODY + SECOND,
        POST + b"Content-Length: 99999999999999999999\r\n\r\n" + BODY,
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SECOND,
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + SECOND,
        POST + CHUNKED + b"\r\n-5\r\n" + BODY,
        POST + CHUNKED + b"\r\nFFFFFFFFFFFFFFFFFFFFFFFFF\r\n" + BODY,
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello" + SECOND,
        b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        b"GET /\r\n\r\n",
    ],
)
def test_what_two_servers_would_read_differently_is_refused_and_the_connection_closed(live_server, request_bytes):
    answer = exchange(live_server, request_bytes)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 ")), answer[:80]
    assert answer.count(b"HTTP/1.1 ") == 1  # nothing behind it is taken for a request
    assert b"connection: close" in answer.lower()
    assert b'"error":{"code":' in answer
    assert live_server.model.seen == []
    assert live_server.analyze().status_code == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"".join(b"X-%d: y\r\n" % number for number in range(101)), 431),
        (b"X: " + b"y" * 60_000 + b"\r\n", 431),
        (b"X: y\r\n" * 300_000, 400),
    ],
)
def test_a_head_of_too_much_is_refused(live_server, head, status):
    answer = exchange(live_server, b"GET / HTTP/1.1\r\nHost: x\r\n" + head + b"\r\n")
    assert answer == b"" or answer.startswith((b"HTTP/1.1 %d " % status, b"HTTP/1.1 400 "))
    assert live_server.analyze().status_code == 200


def test_a_path_of_too_much_is_refused(live_server, error_code):
    answer = requests.get(f"{live_server.url}/?{'x' * 3000}", timeout=10)
    assert (answer.status_code, error_code(answer)) == (414, "uri_too_long")


@pytest.mark.parametrize("name", ["Deadline", "Battery", "Signal", "Top-K", "Request-Id"])
@pytest.mark.parametrize(
    "value", [b"1e999", b"-1e999", b"nan", b"9" * 4000, b"-0", b"\xff\xfe", b"1_0", b"0x1", b""]
)
def test_a_context_without_sense_is_no_obstacle(live_server, name, value):
    answer = live_server.analyze(headers={f"Offload-{name}": value})
    assert answer.status_code == (504 if (name, value) == ("Deadline", b"-0") else 200)
    assert answer.headers["Offload-Request-Id"].isprintable()


@pytest.mark.parametrize(
    "body",
    [
        BODY[:-2],
        BODY[: len(BODY) // 2],
        BODY.replace(b"--b", b"--c"),
        BODY[:-7] + BODY,
        b'--b\r\nContent-Disposition: form-data; name="image"; name="other"\r\n',
        b"--b\r\n" + b"X: y\r\n" * 50 + b"\r\nx\r\n--b--\r\n",
        b"\r\n" * 50_000,
        b"--b" * 50_000,
    ],
)
def test_a_form_that_is_torn_doubled_or_of_another_boundary_is_400(live_server, body, error_code):
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = requests.post(f"{live_server.url}/analyze", data=body, headers=headers, timeout=10)
    if body != BODY[:-2]:  # the last line break may be missing
        assert answer.status_code == 400
        assert error_code(answer) in ("malformed_form", "no_image")
    assert live_server.analyze().status_code == 200


def test_a_body_must_come_at_a_pace():
    assert body_time_s(0, 30.0) == 10.0
    assert body_time_s(10 * 1024, 30.0) == 20.0
    assert body_time_s(2**20, 30.0) == 30.0
    assert body_time_s(0, 5.0) == 5.0


@pytest.mark.parametrize("path", ["/", "/analyze", "/nothing", "/metrics", "/docs", "/openapi.json", "/%ff%00"])
def test_no_answer_says_what_runs_here_or_lets_a_browser_guess(live_server, path):
    answer = requests.get(live_server.url + path, timeout=10)
    assert answer.status_code < 500
    assert "Server" not in answer.headers
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for word in ("uvicorn", "Traceback", "site-packages", str(Path.cwd()), socket.gethostname()):
        assert word not in answer.text
