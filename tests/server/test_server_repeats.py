"""A request that is sent again under its id: one inference, the same answer, and nobody else's."""

from __future__ import annotations

import random
import re
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
import requests
from conftest import LABELS, FakeModel

from offload_sdk._types import Label, Request, Snapshot
from offload_sdk.execute.exchange import HttpSession
from offload_sdk.execute.remote import RemoteExecutor
from offload_sdk.testing import FakeClock
from offload_sdk.wire import encode_image, parse_server_timing
from server_stub.engine import Inference

BOUNDARY = "b" * 20


def ask(server, image: bytes, request_id: str | None = "one", **headers: str) -> requests.Response:
    content_type, body = encode_image(image, "image/jpeg", boundary=BOUNDARY)
    named = {} if request_id is None else {"Offload-Request-Id": request_id}
    sent = {"Content-Type": content_type, **named, **headers}
    return requests.post(f"{server.url}/analyze", data=body, headers=sent, timeout=30)


def begin(server, image: bytes, request_id: str) -> socket.socket:
    """Send a request and return its connection, on which the answer may be waited for, or not."""
    content_type, body = encode_image(image, "image/jpeg", boundary=BOUNDARY)
    head = (
        f"POST /analyze HTTP/1.1\r\nHost: it\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
        f"Offload-Request-Id: {request_id}\r\n\r\n"
    )
    connection = socket.create_connection((server.host, server.port), timeout=20)
    connection.sendall(head.encode() + body)
    return connection


def counted(server, how: str) -> float:
    text = requests.get(f"{server.url}/metrics", timeout=20).text
    found = re.search(rf'^offload_repeats_total{{how="{how}"}} (.*)$', text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def is_empty(server) -> bool:
    taken = server.pool.occupancy()
    return (taken.in_flight, taken.queued, taken.held_bytes, taken.busy_workers) == (0, 0, 0, 0)


def test_the_second_gets_the_answer_of_the_first(start_server):
    server = start_server()
    first, second = ask(server, b"picture"), ask(server, b"picture")
    assert server.model.seen == [b"picture"]
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content
    assert parse_server_timing(first.headers["Server-Timing"])["infer"] == pytest.approx(0.005)
    again_s = parse_server_timing(second.headers["Server-Timing"])
    assert (again_s["decode"], again_s["infer"]) == (0.0, 0.0)  # what this exchange did not spend
    assert (counted(server, "remembered"), counted(server, "joined")) == (1.0, 0.0)
    assert is_empty(server)


def test_the_second_joins_the_first_while_that_is_under_way(start_server):
    server = start_server(workers=1)
    with ThreadPoolExecutor(4) as threads:
        running = threads.submit(ask, server, b"wait")
        assert server.model.entered.acquire(timeout=20)
        joined = [threads.submit(ask, server, b"wait") for _ in range(2)]
        queued = threads.submit(ask, server, b"other", "two")
        server.until(lambda: server.pool.occupancy().in_flight == 2)  # the two have left their places
        server.until(lambda: server.pool.occupancy().queued == 1)
        server.model.gate.set()
        answers = {each.result().content for each in (running, *joined)}
        assert queued.result().status_code == 200
    assert len(answers) == 1
    assert server.model.seen == [b"wait", b"other"]
    assert counted(server, "joined") + counted(server, "remembered") == 2.0
    assert is_empty(server)


def test_a_first_that_has_gone_takes_nothing_from_the_second(start_server):
    server = start_server(workers=1)
    with ThreadPoolExecutor(2) as threads:
        blocker = threads.submit(ask, server, b"wait", "blocker")
        assert server.model.entered.acquire(timeout=20)
        first = begin(server, b"picture", "one")
        server.until(lambda: server.pool.occupancy().queued == 1)
        second = threads.submit(ask, server, b"picture")
        third = begin(server, b"later", "three")  # once it is queued, the second has been read too
        server.until(lambda: server.pool.occupancy().queued == 2)
        first.close()
        third.close()
        server.until(lambda: server.pool.occupancy().queued == 1)
        server.model.gate.set()
        assert second.result().status_code == 200
        assert blocker.result().status_code == 200
    assert server.model.seen == [b"wait", b"picture"]
    assert is_empty(server)


def test_what_nobody_waits_for_any_more_is_not_worked_on(start_server):
    server = start_server(workers=1)
    with ThreadPoolExecutor(1) as threads:
        blocker = threads.submit(ask, server, b"wait", "blocker")
        assert server.model.entered.acquire(timeout=20)
        both = [begin(server, b"picture", "one") for _ in range(2)]
        server.until(lambda: server.pool.occupancy().queued == 1)
        for connection in both:
            connection.close()
        server.until(lambda: server.pool.occupancy().queued == 0)
        server.model.gate.set()
        assert blocker.result().status_code == 200
        assert ask(server, b"picture").status_code == 200  # and it was not given up for good
    assert server.model.seen == [b"wait", b"picture"]


def test_what_runs_by_the_time_its_caller_goes_is_kept_for_the_retry(start_server):
    server = start_server(workers=1)
    with ThreadPoolExecutor(2) as threads:
        blocker = threads.submit(ask, server, b"wait", "blocker")
        assert server.model.entered.acquire(timeout=20)
        queued = begin(server, b"wait", "one")
        server.until(lambda: server.pool.occupancy().queued == 1)
        gate, server.model.gate = server.model.gate, threading.Event()
        gate.set()
        assert blocker.result().status_code == 200
        assert server.model.entered.acquire(timeout=20)  # the other one now waits at the second gate
        queued.close()
        retry = threads.submit(ask, server, b"wait")
        assert ask(server, b"", "later").status_code == 400  # by then its end has been heard of, and the retry
        server.model.gate.set()
        assert retry.result().status_code == 200
    assert server.model.seen == [b"wait"] * 2
    assert is_empty(server)


@pytest.mark.parametrize("fate", ["running", "answered"])
def test_a_retry_after_the_connection_broke_costs_no_second_inference(start_server, fate):
    server = start_server()
    connection = begin(server, b"wait", "one")
    assert server.model.entered.acquire(timeout=20)
    if fate == "answered":
        server.model.gate.set()
        server.until(lambda: is_empty(server))
    connection.close()
    server.model.gate.set()
    assert ask(server, b"wait").status_code == 200
    assert server.model.seen == [b"wait"]


@pytest.mark.parametrize(
    "other",
    [
        {"image": b"another picture"},
        {"request_id": "two"},
        {"request_id": None},
        {"Offload-Top-K": "5"},
        {"Authorization": "Bearer bobs"},
    ],
)
def test_another_request_is_no_repeat(start_server, other):
    server = start_server(tokens=("anns", "bobs"))
    same = {"image": b"picture", "Authorization": "Bearer anns"}
    assert ask(server, **same).status_code == 200
    assert ask(server, **{**same, **other}).status_code == 200
    assert len(server.model.seen) == 2


def test_a_form_that_is_made_anew_is_the_same_request(start_server):
    server = start_server()
    for number in range(2):
        form = {"image": (f"{number}.jpg", b"picture"), "note": (None, f"attempt {number}")}
        answer = requests.post(
            f"{server.url}/analyze", files=form, headers={"Offload-Request-Id": "one"}, timeout=20
        )
        assert answer.status_code == 200
    assert server.model.seen == [b"picture"]
    assert counted(server, "remembered") == 1.0


def test_requests_without_an_id_are_never_repeats(start_server):
    server = start_server()
    for _ in range(3):
        assert ask(server, b"picture", request_id=None).status_code == 200
    assert len(server.model.seen) == 3


@pytest.mark.parametrize(("image", "status", "runs"), [(b"bad", 400, 1), (b"crash", 500, 2)])
def test_an_error_is_remembered_if_it_would_be_met_again(start_server, image, status, runs):
    server = start_server()
    first, second = ask(server, image), ask(server, image)
    assert (first.status_code, second.status_code) == (status, status)
    assert first.content == second.content
    assert len(server.model.seen) == runs


def test_to_be_told_to_come_again_is_not_remembered(start_server):
    server = start_server(workers=1, queue_bound=0)
    with ThreadPoolExecutor(1) as threads:
        blocker = threads.submit(ask, server, b"wait", "blocker")
        assert server.model.entered.acquire(timeout=20)
        assert ask(server, b"picture").status_code == 503
        assert ask(server, b"late", **{"Offload-Deadline": "0"}).status_code == 504
        server.model.gate.set()
        assert blocker.result().status_code == 200
    server.until(lambda: is_empty(server))
    assert ask(server, b"picture").status_code == 200
    assert ask(server, b"late").status_code == 200


def test_an_answer_is_forgotten_in_time(start_server):
    clock = FakeClock()
    server = start_server(clock=clock, repeat_s=10.0)
    for passed_s, runs in ((0.0, 1), (9.0, 1), (2.0, 2)):
        clock.advance(passed_s)
        assert ask(server, b"picture").status_code == 200
        assert len(server.model.seen) == runs


@pytest.mark.parametrize("settings", [{"repeat_s": 0.0}, {"repeat_answers": 0}, {"repeat_bytes": 0}])
def test_it_can_be_switched_off(start_server, settings):
    server = start_server(**settings)
    for _ in range(2):
        assert ask(server, b"picture").status_code == 200
    assert len(server.model.seen) == 2


def test_the_open_inference_protocol_likewise(start_server):
    server = start_server()
    document = {"inputs": [{"name": "input", "shape": [1], "datatype": "BYTES", "data": ["x"]}]}
    headers = {"Offload-Request-Id": "one"}
    answers = [
        requests.post(f"{server.url}/v2/models/fake/infer", json=document, headers=headers, timeout=20)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert len(server.model.scored) == 1


@dataclass
class Telling(FakeModel):
    """Says which picture it saw."""

    def infer(self, image: bytes, top_k: int) -> Inference:
        super().infer(b"any", top_k)
        name = image.decode()
        return Inference(labels=(Label(name=name, probability=1.0, index=0),), decode_s=0.0, infer_s=0.0)


def test_in_any_throng_each_gets_its_own_answer_and_nothing_is_left(start_server):
    server = start_server(Telling(), workers=2, queue_bound=64)
    rng = random.Random(7)
    asked: Counter[tuple[str, str]] = Counter()

    def one(number: int, picture: str, request_id: str, leaves: bool) -> None:
        if leaves:
            begin(server, picture.encode(), request_id).close()
            return
        response = ask(server, picture.encode(), request_id)
        assert response.status_code == 200
        assert response.json()["predictions"][0]["label"] == picture
        assert response.json()["request_id"] == request_id
        asked[picture, request_id] += 1

    with ThreadPoolExecutor(8) as threads:
        tasks = [
            threads.submit(one, n, f"picture {rng.randrange(3)}", f"id {rng.randrange(6)}", rng.random() < 0.3)
            for n in range(200)
        ]
        for task in tasks:
            task.result()
    server.until(lambda: is_empty(server))
    assert sum(asked.values()) > len(asked)  # there were repeats
    assert len(server.model.seen) <= 18  # of three pictures and six ids


class Cutting(threading.Thread):
    """A proxy that passes one exchange, takes the next to its end, and breaks the connection then."""

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self) -> None:
        for breaks in (True, False):
            client, _ = self._listener.accept()
            with client, socket.create_connection(("127.0.0.1", self._port)) as upstream:
                upstream.sendall(_message(client))
                client.sendall(_message(upstream))
                if breaks:
                    upstream.sendall(_message(client))
                    _message(upstream)
        self._listener.close()


def _message(connection: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read:
        if not (piece := connection.recv(65536)):
            return read
        read += piece
    head, _, body = read.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    while len(body) < (int(found[1]) if found else 0):
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@dataclass
class Sent:
    """Stands for a `Picture`."""

    image: bytes

    def payload(self, timings, payload=None):
        return self.image, "image/jpeg"


def test_the_sdk_s_own_resend_costs_no_second_inference(start_server):
    server = start_server()
    proxy = Cutting(server.port)
    proxy.start()
    session = HttpSession(proxy.url, token=None, ca_bundle=None, connections=1)
    executor = RemoteExecutor("edge", session, clock=FakeClock(), connect_timeout_s=5.0)
    try:
        for image in (b"first", b"second"):
            request = Request(request_id=image.decode(), top_k=3, snapshot=Snapshot(taken_s=0.0))
            outcome = executor.run(Sent(image), request, "answer", 20.0)
            assert outcome.labels == LABELS[:3], outcome.error
    finally:
        executor.close()
        proxy.join(20)
    assert server.model.seen == [b"first", b"second"]
    assert counted(server, "remembered") == 1.0
