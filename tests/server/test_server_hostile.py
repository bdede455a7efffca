"""Peers that mean harm: connections held for nothing, heads and bodies that drip, requests that two servers would
read differently, pictures that are larger than they look. The server refuses, lives, and stays small."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import pytest
import requests

from server_stub.door import Guest, least_needed


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
    return Guest(client, accepted_s)


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


def test_a_connection_between_two_requests_may_rest_for_longer_than_a_head(start_server):
    server = start_server(head_timeout_s=0.2)
    with connect(server) as peer:
        for _ in range(2):
            peer.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert peer.recv(4096).startswith(b"HTTP/1.1 200 ")
            time.sleep(0.5)
