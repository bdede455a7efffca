"""The log: one JSON object a line whatever a caller sends, with what an operator needs and no secret."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator
from urllib.parse import unquote

import pytest
import requests

from offload_sdk.testing import FakeClock
from server_stub.logs import JsonLines, RequestLog, Seldom, logger
from server_stub.problems import RequestError
from server_stub.served import Served


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @property
    def entries(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture
def kept() -> Iterator[Kept]:
    handler = Kept()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def served(status: int = 200, problem: RequestError | None = None, **known: object) -> Served:
    return Served(
        request_id="r",
        method="POST",
        path="/analyze",
        status=status,
        began_at_s=0.0,
        total_s=0.5,
        problem=problem,
        **known,  # type: ignore[arg-type]
    )


def test_a_request_that_failed_is_one_line_with_its_facts(start_server, kept):
    server = start_server(tokens=("hidden-token",))
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = {"Offload-Request-Id": "r-1", "traceparent": trace, "Authorization": "Bearer hidden-token"}
    assert server.analyze(b"bad", headers=headers).status_code == 400
    assert server.analyze(headers=headers).status_code == 200  # not logged by default
    assert server.analyze(headers={"Authorization": "Bearer wrong-guess"}).status_code == 401
    server.until(lambda: len(kept.lines) == 2)
    bad, wrong = kept.entries
    assert (bad["level"], bad["status"], bad["code"], bad["method"]) == ("info", 400, "invalid_image", "POST")
    assert (bad["path"], bad["client"], bad["request_id"]) == ("/analyze", "127.0.0.1", "r-1")
    assert bad["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert bad["token"] == "token 1"
    assert 0 < bad["total_s"] < 20
    assert (wrong["status"], wrong["code"]) == (401, "unauthorized")
    assert "hidden-token" not in "".join(kept.lines)
    assert "wrong-guess" not in "".join(kept.lines)


def test_all_requests_if_asked_for_with_the_steps(start_server, kept):
    server = start_server(log_requests="all")
    assert server.analyze().status_code == 200
    server.until(lambda: any(entry.get("path") == "/analyze" for entry in kept.entries))
    (line,) = (entry for entry in kept.entries if entry.get("path") == "/analyze")
    assert (line["status"], line["model"], line["level"]) == (200, "fake", "info")
    assert (line["decode_s"], line["infer_s"]) == (0.002, 0.005)
    assert 0 <= line["queue_s"] <= line["total_s"]


def test_none_is_none(start_server, kept):
    server = start_server(log_requests="none")
    server.analyze(b"bad")
    requests.get(f"{server.url}/nothing", timeout=10)
    assert [entry for entry in kept.entries if "status" in entry] == []


@pytest.mark.parametrize("evil", ["%0a", "%0d%0a", "%1b[31m", "%e2%80%a8", "%c2%85", "%c2%9b31m", "%22%7d", "%ff"])
def test_no_path_and_no_id_breaks_out_of_its_line(live_server, kept, evil):
    with socket.create_connection((live_server.host, live_server.port), timeout=10) as peer:
        raw = unquote(evil, "latin-1").replace("\r", "").replace("\n", "")
        head = f"GET /x{evil}y HTTP/1.1\r\nHost: x\r\nOffload-Request-Id: a{raw}b\r\nConnection: close\r\n\r\n"
        peer.sendall(head.encode("latin-1"))
        while peer.recv(4096):
            pass
    assert len(kept.lines) <= 1  # a head that h11 refuses never gets here
    for line in kept.lines:
        assert all(" " <= character <= "~" for character in line)
        assert json.loads(line)["path"].startswith("/x")


def test_long_paths_are_cut(live_server, kept):
    requests.get(f"{live_server.url}/{'x' * 5000}", timeout=10)
    live_server.until(lambda: bool(kept.lines))
    assert len(kept.lines[0]) < 1000


def test_equal_refusals_share_lines_and_none_is_forgotten(kept):
    clock = FakeClock()
    log = RequestLog("errors", clock=clock)
    full, bad = RequestError.overloaded(1), RequestError.no_image("no image")
    for _ in range(1000):
        log(served(503, full))
    log(served(400, bad))
    assert len(kept.lines) == 11
    clock.advance(1.0)
    log(served(503, full))
    log(served(503, full))
    assert kept.entries[-2]["left_out"] == 990
    assert "left_out" not in kept.entries[-1]
    assert kept.entries[-1]["level"] == "warning"


def test_with_all_every_one_has_its_line(kept):
    log = RequestLog("all", clock=FakeClock())
    for _ in range(100):
        log(served(503, RequestError.overloaded(1)))
    assert len(kept.lines) == 100


def test_a_caller_that_left_and_a_bug(kept):
    log = RequestLog("errors", clock=FakeClock())
    log(served(499))
    log(served(500, RequestError.internal(), error=ValueError("the cause")))
    gone, bug = kept.entries
    assert (gone["code"], gone["level"]) == ("gone", "info")
    assert (bug["code"], bug["level"]) == ("internal", "error")
    assert "the cause" in str(bug["traceback"])


def test_a_health_that_is_not_well_is_not_taken_for_a_caller_that_left(kept):
    log = RequestLog("errors", clock=FakeClock())
    log(served(503))
    (line,) = kept.entries
    assert (line["code"], line["message"]) == ("service_unavailable", "answered")


def test_what_is_no_http_cannot_fill_the_disk():
    seldom = Seldom()
    records = [logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, "no HTTP", (), None) for _ in range(100)]
    for number, record in enumerate(records):
        record.created = 1000.0 + number / 50
    assert sum(map(seldom.filter, records)) == 2
    records[0].created, records[0].msg = 1001.9, "something else"
    assert seldom.filter(records[0])
