"""A server process under what is made to fill its memory, its disk or its connections: refused, alive, small."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bombs
import pytest
import requests

SCRIPT = Path(__file__).parent / "picture_server.py"
MAX_BODY_BYTES = 4 * 2**20
ROOM_BYTES = 64 * 2**20  # a few bodies, and what the allocator keeps; the bombs hold from 100 MB to 14 GB
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@dataclass
class Process:
    host: str
    port: int
    pid: int
    temporary: Path
    log: list[str]
    at_first_bytes: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def most_bytes(self) -> int:
        """The most memory that it has ever had resident."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def analyze(self, image: bytes) -> requests.Response:
        return requests.post(f"{self.url}/analyze", files={"image": image}, timeout=30)

    def assert_well(self) -> None:
        assert self.analyze(bombs.saved("JPEG")).status_code == 200
        assert self.most_bytes - self.at_first_bytes < ROOM_BYTES


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    temporary = tmp_path_factory.mktemp("temporary")
    settings = {"port": 0, "workers": 1, "max_body_bytes": MAX_BODY_BYTES, "queue_bound": 4}
    running = subprocess.Popen(
        [sys.executable, str(SCRIPT), json.dumps(settings)],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(temporary)},
    )
    assert running.stderr is not None
    try:
        line = running.stderr.readline()
        assert "ready on http://" in line, line
        log: list[str] = []
        threading.Thread(target=log.extend, args=(running.stderr,), daemon=True).start()  # or the pipe would fill
        host, port = line.split()[4].removeprefix("http://").split(":")
        found = Process(host, int(port), running.pid, temporary, log)
        assert found.analyze(bombs.saved("JPEG")).status_code == 200  # what is loaded on first use is loaded
        found.at_first_bytes = found.most_bytes
        yield found
        assert running.poll() is None
    finally:
        running.terminate()
        running.wait(20)


def test_odd_pictures_leave_no_line_of_their_own_in_the_log(process):
    for tag in range(1000, 1010):
        assert process.analyze(bombs.jpeg_of_odd_exif(tag)).status_code == 200
    last = process.analyze(b"").headers["Offload-Request-Id"]
    until_s = time.monotonic() + 20
    while not any(last in line for line in process.log):
        assert time.monotonic() < until_s
        time.sleep(0.01)
    assert all(json.loads(line) for line in process.log)


def test_pictures_that_are_larger_than_they_look(process, error_code):
    for name, image in bombs.TOO_MANY_PIXELS.items():
        answer = process.analyze(image)
        assert (name, answer.status_code, error_code(answer)) == (name, 413, "too_many_pixels")
    answer = process.analyze(bombs.LARGE_WEBP)
    assert (answer.status_code, error_code(answer)) in ((413, "too_many_pixels"), (400, "invalid_image"))
    for name, image in bombs.BAD.items():
        answer = process.analyze(image)
        assert (name, answer.status_code, error_code(answer)) == (name, 400, "invalid_image")
    for name, image in bombs.HARMLESS_ONCE_BOUNDED.items():
        assert (name, process.analyze(image).status_code in (200, 400)) == (name, True)
    process.assert_well()


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_of_a_gigabyte(process, declared):
    head = b"Content-Length: 1073741824\r\n\r\n" if declared else b"Transfer-Encoding: chunked\r\n\r\n"
    block = b"x" * 2**18 if declared else b"40000\r\n" + b"x" * 2**18 + b"\r\n"
    with socket.create_connection((process.host, process.port), timeout=20) as peer:
        sent_bytes, answer = 0, b""
        with contextlib.suppress(OSError):  # the server hangs up
            peer.sendall(
                b"POST /analyze HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\n" + head
            )
            if not declared:
                part = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n'
                peer.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            while sent_bytes < 2**30:
                peer.sendall(block)
                sent_bytes += len(block)
        with contextlib.suppress(OSError):
            answer = peer.recv(4096)
    assert sent_bytes < 64 * 2**20
    assert answer == b"" or answer.startswith(b"HTTP/1.1 413 ")
    process.assert_well()


def test_no_picture_is_written_to_disk(process):
    """The process may not write to files at all; and Starlette's parser would spool 2 MB."""
    image = bombs.saved("BMP", (1000, 700))
    assert len(image) > 2 * 2**20
    assert process.analyze(image).status_code == 200
    assert os.listdir(process.temporary) == []


@pytest.mark.parametrize("greeting", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_a_thousand_idle_connections(process, greeting):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = 1500
    if soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            pytest.skip("too few open files are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    with contextlib.ExitStack() as stack:
        for _ in range(1000):
            peer = stack.enter_context(socket.create_connection((process.host, process.port), timeout=20))
            with contextlib.suppress(OSError):
                peer.sendall(greeting)
        started_s = time.monotonic()
        for _ in range(2):
            assert requests.get(process.url, timeout=20).status_code == 200
            process.assert_well()
        assert time.monotonic() - started_s < 20
    process.assert_well()
