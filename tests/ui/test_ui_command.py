"""`offload-sdk ui` as a process: what it prints, how it stops, and how it fails."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from offload_kit import PATIENCE_S, give_model, jpeg

from offload_sdk.errors import ConfigurationError
from offload_sdk.ui.settings import UiSettings

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    home = give_model(tmp_path_factory.mktemp("ui-home"))
    started = []

    def run(*arguments: str | Path, code: str | None = None) -> subprocess.Popen[str]:
        program = ["-m", "offload_sdk"] if code is None else ["-c", code]
        started.append(
            subprocess.Popen(
                [sys.executable, *program, "ui", *map(os.fspath, arguments)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "OFFLOAD_HOME": str(home), "OFFLOAD_MODEL": "efficientnet_lite0"},
            )
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"offload-sdk ui on (https?://\S+)  ", line)
    assert found, line + process.stderr.read()
    return found[1]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_the_page_until_a_signal_and_ends_in_good_order(start: Start, number: signal.Signals) -> None:
    process = start("--port", "0")
    url = address(process)
    assert url.startswith("http://127.0.0.1:")
    with requests.Session() as session:  # whose connection stays open, as a browser's
        assert "<title>offload-sdk" in session.get(url, timeout=PATIENCE_S).text
        kind = "application/octet-stream"
        answer = session.post(
            f"{url}api/classify", data=jpeg(), headers={"Content-Type": kind}, timeout=PATIENCE_S
        )
        assert len(answer.json()["labels"]) == 3
        with socket.create_connection(("127.0.0.1", int(url.split(":")[2].rstrip("/")))) as unfinished:
            head = f"POST /api/classify HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
            unfinished.sendall(f"{head}Content-Length: 100\r\n\r\nhalf".encode())
            assert session.get(f"{url}about.json", timeout=PATIENCE_S).status_code == 200
            process.send_signal(number)
            out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, err) == (0, "", "")


def test_for_other_machines_it_asks_for_a_token_and_speaks_https(start: Start, tmp_path: Path) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1")
    for blob, name in ((made.cert_chain_pems[0], "cert.pem"), (made.private_key_pem, "key.pem")):
        blob.write_to_path(tmp_path / name)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    process = start(
        "--host", "0.0.0.0", "--port", "0", "--tls-cert", tmp_path / "cert.pem", "--tls-key", tmp_path / "key.pem"
    )
    assert process.stderr is not None
    warning = process.stderr.readline()
    assert warning.startswith("warning: other machines can reach this page")
    assert "--tls-cert" not in warning
    port, token = re.fullmatch(r"https://[^/]+:(\d+)/\?token=(\S{32})", address(process)).groups()  # type: ignore[union-attr]
    url = f"https://127.0.0.1:{port}/"
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(tmp_path / "ca.pem")
        assert session.get(url, timeout=PATIENCE_S).status_code == 401
        step = session.get(f"{url}?token={token}", timeout=PATIENCE_S, allow_redirects=False)
        assert "; Secure" in step.headers["Set-Cookie"]
        assert session.get(f"{url}about.json", timeout=PATIENCE_S).json()["kind"] == "device"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE_S) == ("", "")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="needs IPv6")
def test_all_of_ipv6_is_all_of_ipv4_too(start: Start) -> None:
    process = start("--host", "::", "--port", "0")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("warning: other machines")
    url = address(process)
    for host in ("127.0.0.1", "[::1]"):
        shown = url.replace(url.split("/")[2].rpartition(":")[0], host)
        assert requests.get(shown, timeout=PATIENCE_S).status_code == 200


def failed(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    return err


def test_what_cannot_be_served_is_one_line(start: Start, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        message = failed(start("--port", port))
        assert f"cannot listen on 127.0.0.1:{port}" in message
        assert "choose another --host or --port" in message
    (tmp_path / "empty.pem").touch()
    given = tmp_path / "empty.pem"
    assert "cannot be used" in failed(start("--port", "0", "--tls-cert", given, "--tls-key", given))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"port": 70000}, "--port is 70000"),
        ({"host": ""}, "--host is empty"),
        ({"tls_cert": Path("a")}, "belong together"),
    ],
)
def test_a_wrong_setting_is_named(values: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        UiSettings(**values)


@pytest.mark.parametrize(
    ("host", "alone"), [("127.0.0.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("pi", False)]
)
def test_only_the_loopback_needs_no_token(host: str, alone: bool) -> None:
    assert UiSettings(host=host).is_loopback is alone


def test_without_the_extra_it_says_what_to_install(start: Start) -> None:
    code = "import sys; sys.modules['uvicorn'] = None; from offload_sdk.cli import main; main()"
    assert "pip install 'offload-sdk[ui]'" in failed(start(code=code))
