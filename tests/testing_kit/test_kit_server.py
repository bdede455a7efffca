"""The faulty server over HTTP: the contract, every fault, what it records, and that it always stops."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest

from offload_sdk._types import Label
from offload_sdk.errors import ConfigurationError, InvalidImageError
from offload_sdk.testing import Fault, FaultyServer

JPEG = b"\xff\xd8--b\r\n\r\n\x00\r\n--\xff\xd9\r\n"  # nothing in an image may be taken for the end of the field
WaitUntil = Callable[[Callable[[], bool]], None]


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer(drip_s=0.0005) as running:
        yield running


class Client:
    """One keep-alive connection."""

    def __init__(self, server: FaultyServer, timeout_s: float = 5.0) -> None:
        self.connection = http.client.HTTPConnection(server.host, server.port, timeout=timeout_s)

    def post(self, image: bytes = JPEG, path: str = "/analyze", **headers: str) -> tuple[Any, bytes]:
        body = (
            b'--b0\r\nContent-Disposition: form-data; name="other"\r\n\r\nx\r\n'
            b'--b0\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n'
            b"Content-Type: image/jpeg\r\n\r\n" + image + b"\r\n--b0--\r\n"
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request("POST", path, body, {"Content-Type": "multipart/form-data; boundary=b0", **named})
        response = self.connection.getresponse()
        return response, response.read()


@pytest.fixture
def client(server: FaultyServer) -> Iterator[Client]:
    one = Client(server)
    yield one
    one.connection.close()


def test_the_contract(server: FaultyServer, client: Client) -> None:
    client.connection.request("GET", "/")
    response = client.connection.getresponse()
    health = json.loads(response.read())
    assert (response.status, health["status"], health["model_loaded"]) == (200, "ok", True)
    response, body = client.post(Offload_Request_Id="r-17")
    answer = json.loads(body)
    assert (response.status, set(answer)) == (200, {"predictions", "model", "request_id"})
    assert [set(entry) for entry in answer["predictions"]] == [{"label", "probability", "index"}] * 3
    assert answer["request_id"] == "r-17"
    assert [part.split(";")[0].strip() for part in response.headers["Server-Timing"].split(",")] == [
        "queue", "decode", "infer",
    ]  # fmt: skip
    response, _ = client.post(path="/nothing")
    assert response.status == 404


def test_requests_are_recorded_with_their_connection(server: FaultyServer, client: Client) -> None:
    client.post(Authorization="Bearer secret")
    client.post(b"second")
    client.connection.close()
    client.post(b"third")
    first, second, third = server.requests
    assert first.image == JPEG
    assert (first.method, first.path, first.headers["authorization"]) == ("POST", "/analyze", "Bearer secret")
    assert [request.image for request in (second, third)] == [b"second", b"third"]
    assert [request.new_connection for request in server.requests] == [True, False, True]
    assert first.connection == second.connection != third.connection
    assert (server.connections, server.counts) == (2, {"ok": 3})
    server.clear()
    assert (server.requests, server.counts) == ((), {})


def test_a_chunked_body_is_read(server: FaultyServer, client: Client) -> None:
    client.connection.request("POST", "/analyze", iter([b"ab", b"c" * 70_000]), encode_chunked=True)
    response = client.connection.getresponse()
    response.read()
    assert response.status == 400  # it is no form
    assert server.requests[0].body == b"ab" + b"c" * 70_000
    assert server.requests[0].image is None


def test_predictions_may_be_computed(server: FaultyServer) -> None:
    def predict(image: bytes) -> list[Label]:
        if image == b"bad":
            raise InvalidImageError("not an image")
        return [Label(name="length", probability=1.0, index=1000 // len(image))]

    with FaultyServer(predict) as computing:
        client = Client(computing)
        assert json.loads(client.post(b"1234")[1])["predictions"][0]["index"] == 250
        assert client.post(b"bad")[0].status == 400
        assert client.post(b"")[0].status == 500
        client.connection.close()


@pytest.mark.parametrize("status", [400, 401, 413, 429, 500, 502, 503, 504])
def test_http_errors(server: FaultyServer, client: Client, status: int) -> None:
    fault: Any = f"http_{status}"
    server.fail(fault)
    response, body = client.post()
    assert response.status == status
    if status == 502:
        assert body.startswith(b"<html>")
    else:
        assert set(json.loads(body)["error"]) == {"code", "message"}
    assert (response.headers["Retry-After"] == "1") == (status in (429, 503))


def test_garbage_and_wrong_json(server: FaultyServer, client: Client) -> None:
    server.fail("garbage")
    response, body = client.post()
    assert response.status == 200
    with pytest.raises((UnicodeDecodeError, json.JSONDecodeError)):
        json.loads(body)
    server.fail("wrong_json")
    bodies = [client.post()[1] for _ in range(14)]
    assert len(set(bodies)) == 13  # each another shape, and then from the start
    assert all(json.loads(body) != 0 for body in bodies)


def test_truncated(server: FaultyServer, client: Client) -> None:
    server.fail("truncated")
    with pytest.raises(http.client.IncompleteRead) as caught:
        client.post()
    assert len(caught.value.partial) > 10


@pytest.mark.parametrize("fault", ["slow_drip", "slow_drip_headers"])
def test_slow_drip_arrives_whole(server: FaultyServer, client: Client, fault: Any) -> None:
    server.fail(fault)
    started_s = time.monotonic()
    response, body = client.post()
    assert len(json.loads(body)["predictions"]) == 3
    header_bytes = len(response.headers.as_bytes()) if fault == "slow_drip_headers" else 0
    assert time.monotonic() - started_s >= 0.0005 * (len(body) + header_bytes)


def test_black_hole_and_delay(server: FaultyServer) -> None:
    server.fail("black_hole", times=1)
    hanging = Client(server, timeout_s=0.2)
    with pytest.raises(TimeoutError):
        hanging.post()
    hanging.connection.close()
    server.delay(0.1)
    client = Client(server)
    started_s = time.monotonic()
    response, _ = client.post()
    assert time.monotonic() - started_s >= 0.1
    assert float(response.headers["Server-Timing"].partition("dur=")[2].split(",")[0]) >= 100.0
    client.connection.close()


def test_resets(server: FaultyServer, client: Client) -> None:
    server.fail("reset")
    with pytest.raises(ConnectionResetError):
        client.post()
    client.connection.close()
    server.fail("reset_reused")
    assert client.post()[0].status == 200
    with pytest.raises((ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected)):
        client.post()
    client.connection.close()
    assert client.post()[0].status == 200
    assert server.counts["reset_reused"] == 3


def test_close_idle_leaves_a_stale_connection(server: FaultyServer, client: Client, wait_until: WaitUntil) -> None:
    server.fail("close_idle")
    response, _ = client.post()
    assert (response.status, response.headers["Connection"]) == (200, None)
    wait_until(lambda: server.open_connections == 0)
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        client.post()


def test_huge_has_no_end(server: FaultyServer) -> None:
    server.fail("huge")
    with socket.create_connection((server.host, server.port), timeout=5.0) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        seen = 0
        while seen < 20_000_000:
            seen += len(connection.recv(1 << 20))


def test_redirect(server: FaultyServer, client: Client) -> None:
    server.fail("redirect")
    response, _ = client.post()
    assert (response.status, response.headers["Location"]) == (307, "/elsewhere")
    assert client.post(path="/elsewhere")[0].status == 404


def test_faults_for_so_many_requests_of_a_path(server: FaultyServer, client: Client) -> None:
    server.fail("http_500", times=2, path="/analyze")
    assert client.post(path="/")[0].status == 404
    assert [client.post()[0].status for _ in range(4)] == [500, 500, 200, 200]
    assert server.counts == {"ok": 3, "http_500": 2}
    assert [request.fault for request in server.requests] == ["ok", "http_500", "http_500", "ok", "ok"]
    server.fail("http_503")
    server.recover()
    assert client.post()[0].status == 200


def test_an_unknown_fault_is_refused(server: FaultyServer) -> None:
    wrong: Any = "gremlins"
    with pytest.raises(ConfigurationError, match="black_hole"):
        server.fail(wrong)


def test_a_client_that_leaves_in_mid_upload(server: FaultyServer, wait_until: WaitUntil) -> None:
    with socket.create_connection((server.host, server.port)) as connection:
        connection.sendall(b"POST /analyze HTTP/1.1\r\nContent-Length: 1000\r\n\r\nonly this")
    (request,) = server.wait_for_requests(1)
    assert (request.complete, request.body) == (False, b"only this")
    wait_until(lambda: server.open_connections == 0)


def test_waiting_for_requests_that_do_not_come(server: FaultyServer) -> None:
    with pytest.raises(TimeoutError, match="0 of 1"):
        server.wait_for_requests(1, timeout_s=0.01)


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00junk\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"])
def test_what_is_not_http_is_hung_up_on(server: FaultyServer, junk: bytes) -> None:
    with socket.create_connection((server.host, server.port), timeout=5.0) as connection:
        connection.sendall(junk)
        assert connection.recv(1) == b""


def test_dead_and_back_on_the_same_port(server: FaultyServer, client: Client) -> None:
    assert client.post()[0].status == 200
    server.stop()
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        client.post()
    client.connection.close()
    with pytest.raises(ConnectionRefusedError):
        client.post()
    client.connection.close()
    port = server.port
    server.start()
    assert server.port == port
    assert client.post()[0].status == 200
    server.restart()
    client.connection.close()
    assert client.post()[0].status == 200
    with pytest.raises(ConfigurationError, match="free port"):
        FaultyServer(port=port).start()


@pytest.mark.parametrize("fault", get_args(Fault))
def test_stops_at_once_whatever_the_clients_do(fault: Any) -> None:
    with FaultyServer(fault=fault, drip_s=60.0) as server:
        connections = [socket.create_connection((server.host, server.port)) for _ in range(3)]
        for connection in connections[:2]:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")  # the third says nothing, and nobody reads
        server.wait_for_requests(2)
        started_s = time.monotonic()
    assert time.monotonic() - started_s < 5.0
    for connection in connections:
        connection.close()


def test_fifty_clients_at_once(server: FaultyServer) -> None:
    statuses: list[int] = []

    def ask() -> None:
        client = Client(server, timeout_s=20.0)
        statuses.append(client.post()[0].status)
        client.connection.close()

    threads = [threading.Thread(target=ask) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 50
    assert server.counts == {"ok": 50}
