"""What the page's server on a device answers, over real connections: classes, errors, and who is let in."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from offload_kit import PATIENCE_S, jpeg, until
from page_kit import LivePage, page_for, run_apart

from offload_sdk.log import read_rows
from offload_sdk.testing import FaultyServer
from offload_sdk.ui.app import create_app

BYTES = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def cloud() -> Iterator[FaultyServer]:
    with FaultyServer() as server:
        yield server


@pytest.fixture(scope="module")
def page(cloud: FaultyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivePage]:
    with page_for(tmp_path_factory.mktemp("home"), cloud.url, limits={"max_image_bytes": 200_000}) as live:
        yield live


def post(page: LivePage, body: bytes = b"", way: str = "auto", **headers: str) -> requests.Response:
    return requests.post(
        f"{page.origin}/api/classify?way={way}", data=body, headers={**BYTES, **headers}, timeout=PATIENCE_S
    )


def problem(answer: requests.Response, status: int) -> tuple[str, str]:
    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    error = answer.json()["error"]
    return error["code"], error["message"]


def test_a_picture_goes_through_the_loop_of_the_sdk(page: LivePage) -> None:
    image = post(page, jpeg()).json()
    assert len(image["labels"]) == 3
    assert image["decision"]["policy"] == "auto"
    assert set(image["decision"]["predicted"]) == {"local", "edge"}
    assert image["decision"]["reason"]
    assert image["request_id"] in {record.request_id for record in read_rows(page.desk.config.log_path)}


@pytest.mark.parametrize("way", ["local", "remote"])
def test_a_side_can_be_asked_for(page: LivePage, way: str) -> None:
    image = post(page, jpeg(), way).json()
    assert image["path"] == way
    assert image["endpoint"] == (None if way == "local" else "edge")


def test_both_sides_run_one_after_the_other_and_both_are_told(page: LivePage) -> None:
    image = post(page, jpeg(), "both").json()
    assert {outcome["option"] for outcome in image["outcomes"]} == {"local", "edge"}
    assert all(outcome["labels"] and outcome["latency_s"] > 0 for outcome in image["outcomes"])
    assert {outcome["role"] for outcome in image["outcomes"]} == {"answer", "shadow"}
    assert not image["hedged"]


def test_the_state_tells_what_is_new(page: LivePage) -> None:
    def state(since: int) -> Any:
        return requests.get(f"{page.origin}/api/state?since={since}", timeout=PATIENCE_S).json()

    before = state(0)
    image = post(page, jpeg(), "local").json()
    after = state(before["version"])
    assert [each["request_id"] for each in after["images"]] == [image["request_id"]]
    assert state(after["version"])["images"] == []
    status = after["status"]
    assert status["endpoints"][0]["name"] == "edge"
    assert {"battery_frac", "temperature_c", "cpu_load_frac"} <= set(status["device"])
    assert str(page.desk.config.home) not in requests.get(f"{page.origin}/api/state", timeout=PATIENCE_S).text


def test_a_wrong_file_is_an_error_in_words(page: LivePage) -> None:
    code, message = problem(post(page, b"hello"), 400)
    assert code == "invalid_image"
    assert "not an image" in message
    assert problem(post(page, b""), 400)[0] == "invalid_image"
    assert problem(post(page, jpeg()[:2000]), 400)[0] == "invalid_image"
    assert problem(post(page, b"x" * 200_001), 413)[0] == "too_large"


def test_a_body_of_unknown_length_is_bounded_too(page: LivePage) -> None:
    answer = requests.post(
        f"{page.origin}/api/classify", data=iter([b"x" * 50_000] * 8), headers=BYTES, timeout=PATIENCE_S
    )
    assert problem(answer, 413)[0] == "too_large"


def test_wrong_requests_are_told_so(page: LivePage) -> None:
    assert problem(post(page, jpeg(), "sideways"), 400)[0] == "bad_request"
    assert problem(post(page, jpeg(), **{"Content-Type": "multipart/form-data"}), 415)[0]
    assert requests.get(f"{page.origin}/api/state?since=-1", timeout=PATIENCE_S).status_code == 400
    assert requests.get(f"{page.origin}/nothing", timeout=PATIENCE_S).status_code == 404


def test_more_pictures_than_can_wait_are_refused_until_one_has_left(page: LivePage) -> None:
    head = "POST /api/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            uploading = stack.enter_context(socket.create_connection(("127.0.0.1", page.port)))
            uploading.sendall(f"{head}Content-Length: 100\r\n\r\nhalf".encode())
        until(lambda: post(page, jpeg()).status_code == 503, "no more is taken")
        assert problem(post(page, jpeg()), 503)[0] == "busy"
    until(lambda: post(page, jpeg()).status_code == 200, "there is room again")


def test_a_picture_that_does_not_arrive_holds_its_place_for_a_while_only(page: LivePage) -> None:
    app = create_app(page.desk, body_s=0.05)
    headers = [(b"content-type", b"application/octet-stream")]
    scope = {"type": "http", "method": "POST", "path": "/api/classify", "query_string": b"", "headers": headers}
    answered: list[Any] = []

    async def act() -> None:
        half: asyncio.Queue[Any] = asyncio.Queue()
        half.put_nowait({"type": "http.request", "body": b"half", "more_body": True})

        async def send(message: Any) -> None:
            answered.append(message)

        await asyncio.wait_for(app(scope, half.get, send), PATIENCE_S)

    for _ in range(6):  # more than there are places
        run_apart(act())
    assert [message["status"] for message in answered if "status" in message] == [408] * 6


def test_only_the_page_itself_may_post(page: LivePage) -> None:
    assert post(page, jpeg(), Origin=page.origin).status_code == 200
    for foreign in (
        "http://evil.example",
        "null",
        "http://[",
        f"http://localhost:{page.port}",
        "http://127.0.0.1:1",
    ):
        assert post(page, jpeg(), Origin=foreign).status_code == 403
    assert post(page, jpeg(), **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert post(page, jpeg(), **{"Sec-Fetch-Site": "same-site"}).status_code == 403
    # A web page may only send a type that is not a form's once an OPTIONS request has let it.
    asked = requests.options(
        f"{page.origin}/api/classify",
        headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"},
        timeout=PATIENCE_S,
    )
    assert not [name for name in asked.headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "10.0.0.5", "127.0.0.1.evil.example", "", "[::1"]
)
def test_a_name_that_is_not_the_loopback_s_is_refused(page: LivePage, host: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=PATIENCE_S)
    connection.request("GET", "/api/state", headers={"Host": host})
    assert connection.getresponse().status in (400, 403)
    connection.close()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9", "[::1]:8000", "LOCALHOST:8000"])
def test_the_loopback_s_names_are_let_in_by_any_port(page: LivePage, host: str) -> None:
    answer = requests.get(f"{page.origin}/about.json", headers={"Host": host}, timeout=PATIENCE_S)
    assert answer.json()["kind"] == "device"


def test_every_file_carries_the_page_s_headers(page: LivePage) -> None:
    for name, kind in (
        ("", "text/html"),
        ("script.js", "text/javascript"),
        ("style.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
    ):
        answer = requests.get(f"{page.origin}/{name}", timeout=PATIENCE_S)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith(kind)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
    for outside in ("__init__.py", "../__init__.py", "..%2f__init__.py", "%2e%2e/files.py"):
        request = requests.Request("GET", page.origin).prepare()
        request.url = f"{page.origin}/{outside}"
        with requests.Session() as session:
            assert session.send(request, timeout=PATIENCE_S).status_code == 404


def test_with_a_token_nothing_is_had_without_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    with page_for(tmp_path_factory.mktemp("home"), token="a-secret") as page:
        for path in ("", "about.json", "api/state", "script.js", "?token=wrong", "?token=%ff"):
            assert requests.get(f"{page.origin}/{path}", timeout=PATIENCE_S).status_code == 401
        assert post(page, jpeg()).status_code == 401
        assert post(page, jpeg(), Cookie=f"offload-ui-{page.port}=wrong").status_code == 401
        with requests.Session() as session:
            first = session.get(page.url, timeout=PATIENCE_S)
            assert first.url == f"{page.origin}/"  # the token is out of sight
            (step,) = first.history
            cookie = step.headers["Set-Cookie"]
            assert "HttpOnly" in cookie
            assert "samesite=lax" in cookie.lower()
            assert session.get(f"{page.origin}/api/state", timeout=PATIENCE_S).status_code == 200
            # The host may then be any name, but a foreign page still may not post.
            foreign = session.post(
                f"{page.origin}/api/classify",
                data=jpeg(),
                headers={**BYTES, "Origin": "http://evil.example"},
                timeout=PATIENCE_S,
            )
            assert foreign.status_code == 403
