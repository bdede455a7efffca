"""Who may use the server and how often: tokens, their file, rates, what is open; and what answers give away."""

from __future__ import annotations

import logging
import os
import random
import stat
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from offload_sdk.errors import ConfigurationError
from offload_sdk.testing import FakeClock
from server_stub.add_token import add_token
from server_stub.logs import JsonLines, logger
from server_stub.rates import Rates, client_of_address
from server_stub.settings import ServerSettings
from server_stub.tokens import hashed, new_secret, read_tokens, token_line
from server_stub.watched import Watched, warn_of_others


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(JsonLines().format(record))

    handler = Keep()
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    yield lines
    logger.setLevel(level)
    logger.removeHandler(handler)


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_a_token_of_the_file_opens_and_its_name_is_known(tmp_path, start_server, error_code):
    path = tmp_path / "tokens"
    kitchen, garden = add_token(path, "kitchen"), add_token(path, "garden")
    server = start_server(token_file=path)
    assert kitchen != garden
    assert [server.analyze(headers=bearer(secret)).status_code for secret in (kitchen, garden)] == [200, 200]
    refused = server.analyze()
    assert (refused.status_code, error_code(refused)) == (401, "unauthorized")
    assert [token.name for token in read_tokens(path)] == ["kitchen", "garden"]


def test_the_file_holds_no_token_and_only_its_owner_reads_it(tmp_path):
    path = tmp_path / "tokens"
    secret = add_token(path, "kitchen")
    assert secret not in path.read_text()
    assert len(secret) > 40
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["tokens"]


def test_tokens_are_rotated_without_a_restart(tmp_path):
    path, clock = tmp_path / "tokens", FakeClock()
    first = add_token(path, "kitchen")
    tokens = Watched((path,), lambda: read_tokens(path), clock=clock)
    second = add_token(path, "kitchen")
    assert tokens.get() == (hashed("kitchen", first),)  # nobody has looked yet
    clock.advance(1.0)
    assert tokens.get() == (hashed("kitchen", first), hashed("kitchen", second))
    path.write_text(token_line("kitchen", second))
    clock.advance(1.0)
    assert tokens.get() == (hashed("kitchen", second),)


@pytest.mark.parametrize(
    "content", ["", "# nothing\n", "kitchen\n", "kitchen sha256:abc", "kitchen hush-hush", b"\xff\xfe"]
)
def test_a_broken_file_keeps_the_old_tokens_and_says_so_once(tmp_path, log_lines, content):
    path, clock = tmp_path / "tokens", FakeClock()
    secret = add_token(path, "kitchen")
    tokens = Watched((path,), lambda: read_tokens(path), clock=clock)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for _ in range(5):
        clock.advance(1.0)
        assert tokens.get() == (hashed("kitchen", secret),)
    assert len(log_lines) == 1
    assert str(path) in log_lines[0]
    assert "hush" not in log_lines[0]
    path.unlink()
    clock.advance(1.0)
    assert tokens.get() == (hashed("kitchen", secret),)
    assert len(log_lines) == 2


def test_a_server_does_not_start_on_a_file_without_tokens(tmp_path, start_server):
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(ConfigurationError, match="token file"):
            start_server(token_file=path)


def test_a_live_server_takes_the_new_token_soon(tmp_path, start_server):
    path = tmp_path / "tokens"
    add_token(path, "kitchen")
    server = start_server(token_file=path)
    secret = add_token(path, "garden")
    server.until(lambda: server.analyze(headers=bearer(secret)).status_code == 200)


def test_the_command_prints_the_token_once_and_a_wrong_use_is_one_line(tmp_path):
    path = tmp_path / "tokens"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "server_stub.add_token", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=60)

    done = run(str(path), "kitchen")
    assert (done.returncode, done.stderr) == (0, "")
    assert read_tokens(path) == (hashed("kitchen", done.stdout.strip()),)
    other = tmp_path / "notes.txt"
    other.write_text("no tokens here\n")
    for arguments in (
        (str(path), "two words"),
        (str(other), "kitchen"),
        (str(tmp_path / "no" / "folder"), "kitchen"),
    ):
        failed = run(*arguments)
        assert (failed.returncode, failed.stdout) == (1, "")
        assert failed.stderr.startswith("error: ")
        assert failed.stderr.count("\n") == 1
    assert other.read_text() == "no tokens here\n"


@pytest.mark.skipif(os.name != "posix", reason="other systems have other permissions")
@pytest.mark.parametrize(("mode", "word"), [(0o600, None), (0o640, None), (0o644, "read"), (0o602, "change")])
def test_a_file_that_all_can_use_is_warned_of(tmp_path, log_lines, mode, word):
    path = tmp_path / "secret"
    path.touch()
    path.chmod(mode)
    warn_of_others(path, may=stat.S_IROTH | stat.S_IWOTH)
    assert [word in line for line in log_lines] == [True] * (word is not None)


def test_secrets_are_long_and_differ():
    assert len({new_secret() for _ in range(100)}) == 100


# Rates.


def test_a_client_has_its_burst_and_then_its_rate(start_server, error_code):
    server = start_server(rate_per_s=0.5, rate_burst=3)
    assert [server.analyze().status_code for _ in range(3)] == [200] * 3
    refused = server.analyze()
    assert (refused.status_code, error_code(refused)) == (429, "too_many_requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 2
    assert requests.get(server.url, timeout=10).status_code == 200  # whoever watches the health is not counted


def test_each_token_has_a_rate_of_its_own(start_server):
    server = start_server(tokens=("first", "second"), rate_per_s=0.01, rate_burst=1)
    answers = [server.analyze(headers=bearer(name)).status_code for name in ("first", "first", "second", "wrong")]
    assert answers == [200, 429, 200, 401]


@given(
    gaps_s=st.lists(st.floats(0, 3), min_size=1, max_size=80),
    per_s=st.floats(0.1, 20),
    burst=st.integers(1, 10),
)
def test_no_client_ever_gets_more_than_burst_and_rate(gaps_s, per_s, burst):
    clock = FakeClock()
    rates = Rates(per_s=per_s, burst=burst, clock=clock)
    granted_s: list[float] = []
    for gap_s in gaps_s:
        clock.advance(gap_s)
        wait_s = rates.wait_s("a")
        if wait_s == 0.0:
            granted_s.append(clock())
        else:
            assert wait_s <= 1 / per_s + 1e-9
    for start, first_s in enumerate(granted_s):
        for count, last_s in enumerate(granted_s[start:], start=1):
            assert count <= burst + (last_s - first_s) * per_s + 1e-6


def test_who_waits_as_told_is_served():
    clock = FakeClock()
    rates = Rates(per_s=2.0, burst=1, clock=clock)
    draw = random.Random(1)
    for _ in range(50):
        clock.advance(draw.random())
        name = str(draw.randrange(3))
        wait_s = rates.wait_s(name)
        if wait_s > 0.0:
            clock.advance(wait_s)
            assert rates.wait_s(name) == 0.0


def test_the_clients_that_are_remembered_are_bounded():
    rates = Rates(per_s=1.0, burst=1, clock=FakeClock(), max_clients=100)
    for number in range(10_000):
        assert rates.wait_s(str(number)) == 0.0
    assert len(rates) == 100
    assert rates.wait_s("9999") > 0.0


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("/run/socket", "/run/socket"),
    ],
)
def test_an_address_stands_for_its_client(address, client):
    assert client_of_address(address) == client


@pytest.mark.parametrize(("name", "value"), [("rate_per_s", 0.0), ("rate_per_s", -1.0), ("rate_burst", 0)])
def test_a_wrong_rate_is_named(name, value):
    with pytest.raises(ConfigurationError, match=name):
        ServerSettings(**{name: value})


# What is open.


def test_with_tokens_only_health_and_the_description_are_open(start_server):
    server = start_server(tokens=("secret",))
    paths = {"/": 200, "/docs": 200, "/openapi.json": 200, "/metrics": 401, "/nothing": 401, "/v2": 401}
    assert {path: requests.get(server.url + path, timeout=10).status_code for path in paths} == paths


def test_scripts_of_other_sites_are_kept_out_unless_configured(start_server):
    preflight = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
    }
    closed = start_server()
    answers = [
        requests.options(f"{closed.url}/analyze", headers=preflight, timeout=10),
        closed.analyze(headers={"Origin": "https://evil.example"}),
    ]
    listed = start_server(cors_origins=("https://good.example",), tokens=("secret",))
    answers.append(requests.options(f"{listed.url}/analyze", headers=preflight, timeout=10))
    for answer in answers:
        assert "access-control-allow-origin" not in answer.headers
    good = requests.options(
        f"{listed.url}/analyze", headers={**preflight, "Origin": "https://good.example"}, timeout=10
    )
    assert good.status_code == 200
    assert good.headers["Access-Control-Allow-Origin"] == "https://good.example"
    refused = listed.analyze(headers={"Origin": "https://good.example"})
    assert refused.status_code == 401
    assert refused.headers["Access-Control-Allow-Origin"] == "https://good.example"  # the script may read why
