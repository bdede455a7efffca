"""`offload-sdk doctor` finds what is wrong and says what to do; it sends nothing beyond this machine here."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typer.testing import CliRunner

from offload_sdk._config import EndpointConfig, OffloadConfig
from offload_sdk._types import Snapshot
from offload_sdk.cli import check_device
from offload_sdk.cli.app import app
from offload_sdk.cli.check_endpoint import check_endpoint, is_loopback
from offload_sdk.cli.findings import Finding

pytestmark = pytest.mark.light


class _Server(HTTPServer):
    health: tuple[int, bytes] = (200, b'{"status": "ok", "model_loaded": true, "model": "m", "version": "1"}')
    answer: tuple[int, bytes] = (
        200,
        b'{"predictions": [{"label": "cat", "probability": 0.5, "index": 1}], "model": "m", "request_id": "x"}',
    )
    date: str | None = None
    token: str | None = None


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self._reply(*self.server.health)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.token is not None and self.headers["Authorization"] != f"Bearer {self.server.token}":
            self._reply(401, b'{"error": {"code": "unauthorized", "message": "no"}}')
        else:
            self._reply(*self.server.answer)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return self.server.date or super().date_time_string()  # type: ignore[arg-type]

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def _check(server: _Server, token: str | None = None, wall_s: float | None = None) -> list[Finding]:
    import time

    endpoint = EndpointConfig(url=f"http://127.0.0.1:{server.server_port}", token=token)  # type: ignore[arg-type]
    return list(
        check_endpoint(endpoint, clock=time.monotonic, wall=time.time if wall_s is None else lambda: wall_s)
    )


def test_a_healthy_endpoint(server: _Server) -> None:
    assert [finding.level for finding in _check(server)] == ["ok", "ok", "ok"]


def test_a_token_that_is_refused_and_one_that_is_taken(server: _Server) -> None:
    server.token = "secret"
    refused = _check(server, "other")
    assert [finding.level for finding in refused] == ["ok", "ok", "problem"]
    assert "OFFLOAD_TOKEN" in (refused[-1].advice or "")
    assert not any("other" in finding.message for finding in refused)
    assert [finding.level for finding in _check(server, "secret")] == ["ok", "ok", "ok"]


@pytest.mark.parametrize(
    ("health", "answer", "levels", "says"),
    [
        ((503, b""), None, ["ok", "warning"], "loading"),
        ((404, b""), None, ["ok", "problem"], "HTTP 404"),
        ((200, b"<html>"), None, ["ok", "warning", "ok"], "offload-sdk server"),
        (None, (500, b'{"error": {"code": "internal", "message": "oops"}}'), ["ok", "ok", "problem"], "oops"),
        (None, (429, b""), ["ok", "ok", "warning"], "busy"),
        (None, (200, b"{}"), ["ok", "ok", "problem"], "contract"),
    ],
)
def test_an_endpoint_that_is_not_well(
    server: _Server,
    health: tuple[int, bytes] | None,
    answer: tuple[int, bytes] | None,
    levels: list[str],
    says: str,
) -> None:
    server.health = health or server.health
    server.answer = answer or server.answer
    findings = _check(server)
    assert [finding.level for finding in findings] == levels
    assert any(says in finding.message for finding in findings)


def test_clocks_that_differ(server: _Server) -> None:
    server.date = "Sun, 06 Nov 1994 08:49:37 GMT"
    assert [finding.level for finding in _check(server, wall_s=784111777.0)] == ["ok", "ok", "ok"]
    findings = _check(server, wall_s=784111777.0 + 3600.0)
    assert "3600 s apart" in findings[2].message


def test_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = CliRunner().invoke(app, ["doctor", "--server", f"http://127.0.0.1:{port}", "--json"])
    assert done.exit_code == 1
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    (finding,) = [entry for entry in findings if entry["check"] == "endpoint remote"]
    assert finding["level"] == "problem"
    assert f"port {port}" in finding["message"]


def test_a_token_over_plain_http_is_warned_of_before_anything_is_sent() -> None:
    endpoint = EndpointConfig(url="http://203.0.113.7", token="secret")  # type: ignore[arg-type]
    first = next(check_endpoint(endpoint, clock=lambda: 0.0, wall=lambda: 0.0))
    assert first.level == "warning"
    assert "unencrypted" in first.message
    assert "secret" not in first.message


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("a.b", False),
        ("::1234", False),
        ("localhost.a.b", False),
        ("a.localhost", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_wrong_settings_end_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFLOAD_POLICY", "best")
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert "PROBLEM settings" in done.stdout
    assert "1 problem, " in done.stdout


def test_the_device(tmp_path: Path) -> None:
    config = OffloadConfig(home=tmp_path / "new")
    assert check_device.check_home(config.home).level == "ok"
    assert not config.home.exists()
    assert check_device.check_model(config).level == "ok"
    assert [finding.level for finding in check_device.check_profile(config)] == ["warning"]
    assert check_device.check_disk(config).level in ("ok", "warning")
    assert check_device.check_clock(0.0).level == "warning"
    assert check_device.check_clock(4e9).level == "ok"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX paths")
def test_a_home_that_cannot_be_written() -> None:
    assert check_device.check_home(Path("/proc/nowhere")).level == "problem"


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    for model in ("mobilenet_v3_small", str(tmp_path / "absent.tflite"), "nonsense"):
        finding = check_device.check_model(OffloadConfig(home=tmp_path, model=model))
        assert (finding.level, finding.check) == ("problem", "model")


def test_a_damaged_profile_and_log(tmp_path: Path) -> None:
    config = OffloadConfig(home=tmp_path)
    config.profile_path.write_text("{}")
    config.log_path.write_text("text" * 1000)
    (tmp_path / "log.sqlite3.corrupt-1").touch()
    assert [finding.level for finding in check_device.check_profile(config)] == ["problem"]
    assert [finding.level for finding in check_device.check_log(config)] == ["warning", "problem"]


@pytest.mark.parametrize(
    ("snapshot", "level"),
    [
        (Snapshot(taken_s=0.0), "ok"),
        (Snapshot(taken_s=0.0, temperature_c=50.0, throttled=False), "ok"),
        (Snapshot(taken_s=0.0, temperature_c=81.0, throttled=False), "warning"),
        (Snapshot(taken_s=0.0, throttled=True), "warning"),
    ],
)
def test_heat(snapshot: Snapshot, level: str) -> None:
    assert check_device.check_heat(snapshot).level == level
