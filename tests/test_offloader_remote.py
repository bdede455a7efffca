"""Endpoints and time: errors without the local path, deadlines, several endpoints side by side."""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from offload_kit import jpeg, make, rows, until

from offload_sdk import DeadlineExceededError, OffloadError, RemoteError
from offload_sdk.testing import FaultyServer

SECRET = "s3cr3t-t0ken"


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


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


def test_a_black_hole_leaves_its_neighbour_time_within_the_deadline(server: FaultyServer, tmp_path: Path) -> None:
    with (
        FaultyServer(fault="black_hole") as hole,
        make(tmp_path, hole.url, server.url, local=False, probe={"enabled": False}) as offloader,
    ):
        for _ in range(3):
            result = offloader.classify(jpeg(), deadline_s=3.0)
            assert result.endpoint == "cloud"
            assert result.latency_s < 3.0


def test_something_else_that_answers_200_is_not_taken_for_a_server(tmp_path: Path) -> None:
    with FaultyServer(fault="garbage") as portal, make(tmp_path, portal.url, policy="remote") as offloader:
        for _ in range(3):
            assert offloader.classify(jpeg()).path == "local"
        until(lambda: len([r for r in portal.requests if r.path == "/"]) >= 3, "it was pinged")
        (endpoint,) = offloader.status()["endpoints"]
        assert endpoint["samples"] == 0
        assert not endpoint["in_service"]


def test_a_deadline_that_is_too_tight_is_not_the_fault_of_the_server(server: FaultyServer, tmp_path: Path) -> None:
    server.delay(0.15)
    with make(tmp_path, server.url, local=False) as offloader:
        for _ in range(3):
            offloader.classify(jpeg())
        for _ in range(4):
            with pytest.raises(DeadlineExceededError):
                offloader.classify(jpeg(), deadline_s=0.05)
        (endpoint,) = offloader.status()["endpoints"]
        assert endpoint["in_service"]
        assert offloader.classify(jpeg()).path == "remote"


def test_a_compressed_answer_is_refused_unread(tmp_path: Path) -> None:
    bomb = gzip.compress(bytes(50_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(1 << 20)
                        connection.sendall(head + bomb)

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            make(tmp_path, url, local=False, probe={"enabled": False}) as offloader,
            pytest.raises(RemoteError, match="compressed"),
        ):
            offloader.classify(jpeg())


def test_after_a_fork_the_child_is_told_to_make_its_own(tmp_path: Path) -> None:
    with make(tmp_path) as offloader:
        child = os.fork()
        if child == 0:
            try:
                offloader.classify(jpeg())
            except OffloadError as error:
                os._exit(7 if "fork" in str(error) else 8)
            os._exit(9)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert offloader.classify(jpeg()).labels
