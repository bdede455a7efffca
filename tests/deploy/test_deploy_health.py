"""The container's health check, against servers that are ready, not ready and not there."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from server_stub.deploy.healthcheck import main


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "expected"), [(200, 0), (503, 1), (500, 1)])
def test_ready_is_200_alone(url: str, status: int, expected: int) -> None:
    assert main([f"{url}/{status}"]) == expected


def test_a_server_that_is_not_there_is_not_ready(url: str) -> None:
    assert main(["http://127.0.0.1:1/"]) == 1


def test_a_wrong_address_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["file:///etc/passwd"])
    assert ended.value.code == 2
    assert "http://127.0.0.1:8080/" in capsys.readouterr().err
