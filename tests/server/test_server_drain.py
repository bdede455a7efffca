"""SIGTERM under load: what was begun is answered, what comes later is told to go elsewhere, and it ends with 0."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from server_processes import ready_url

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is not delivered there")


def is_answered(url: str, image: bytes) -> requests.Response:
    return requests.post(f"{url}/analyze", files={"image": image}, timeout=30)


def test_new_requests_are_told_to_go_elsewhere_while_the_old_ones_end(launch):
    process = launch(drain_s=20)
    url = ready_url(process)
    host, port = url.removeprefix("http://").split(":")
    idle = http.client.HTTPConnection(host, int(port), timeout=10)
    idle.request("GET", "/")
    assert idle.getresponse().read()
    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(is_answered, url, b"1.5")
        assert process.stdout.readline() == "entered\n"
        process.send_signal(signal.SIGTERM)
        while (health := requests.get(url, timeout=5)).status_code == 200:
            time.sleep(0.01)
        assert (health.status_code, health.json()["status"]) == (503, "draining")
        refused = is_answered(url, b"0.1")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
        assert int(refused.headers["Retry-After"]) >= 1
        assert refused.headers["Connection"] == "close"
        idle.request("GET", "/")  # a connection that was kept is told the same, and closed
        answer = idle.getresponse()
        assert (answer.status, answer.headers["Connection"]) == (503, "close")
        assert requests.get(f"{url}/v2/health/live", timeout=5).status_code == 200
        assert running.result().status_code == 200
    assert process.wait(20) == 0
    assert process.stderr.read().count("Traceback") == 0


def test_idle_connections_do_not_hold_it(launch):
    process = launch(drain_s=60)
    host, port = ready_url(process).removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as silent:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert silent.recv(100) == b""


def test_those_who_come_just_then_do_not_hold_it(launch):
    """A connection that is being made as the doors close must not be waited for as if it were in use."""
    process = launch(drain_s=60)
    host, port = ready_url(process).removeprefix("http://").split(":")
    stopping = threading.Event()

    def knock() -> None:
        while not stopping.is_set():
            with (
                contextlib.suppress(OSError),
                socket.create_connection((host, int(port)), timeout=20) as caller,
            ):
                caller.sendall(b"GET / HTTP/1.1\r\nHost: it\r\n\r\n")
                caller.recv(100)

    with ThreadPoolExecutor(6) as threads:
        for _ in range(6):
            threads.submit(knock)
        time.sleep(0.3)  # in the midst of it
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(30) == 0
        finally:
            stopping.set()


def test_under_load_nothing_is_lost_beyond_a_retry(launch):
    process = launch(workers=2, drain_s=60)
    url = ready_url(process)
    stopping = threading.Event()
    ended: list[str] = []

    def ask() -> None:
        """Ask on one connection until the server has gone; only from then on may an answer be missing."""
        with requests.Session() as session:
            while True:
                late = stopping.is_set()
                try:
                    answer = session.post(f"{url}/analyze", files={"image": b"0.02"}, timeout=30)
                except requests.ConnectionError:
                    assert stopping.is_set()
                    ended.append("gone")
                    return
                if answer.status_code == 503:
                    assert stopping.is_set()
                    assert answer.headers["Retry-After"]
                    ended.append("retry")
                    if late:
                        return
                else:
                    assert answer.status_code == 200
                    ended.append("answered")

    begun = 0
    with ThreadPoolExecutor(6) as threads:
        asking = [threads.submit(ask) for _ in range(6)]
        for _ in range(60):
            assert process.stdout.readline() == "entered\n"
            begun += 1
        stopping.set()
        process.send_signal(signal.SIGTERM)
        for each in asking:
            each.result(30)
    assert process.wait(40) == 0
    begun += process.stdout.read().count("entered\n")
    assert ended.count("answered") == begun  # whatever a worker began has reached its caller
