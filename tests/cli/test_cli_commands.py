"""`status`, `models`, `calibrate` and `serve` in processes of their own, up to a real exchange on this machine."""

from __future__ import annotations

import io
import json
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from offload_sdk.cli.progress import progress_bar
from offload_sdk.cli.status import lines


def test_status(command: Any) -> None:
    done = command("status", "--json")
    assert done.returncode == 0
    document = json.loads(done.stdout)
    assert document["local"]["model"] == "efficientnet_lite0"
    assert {"version", "policy", "profile", "device", "endpoints", "log"} <= set(document)
    done = command("status", OFFLOAD_SERVER_URL="http://127.0.0.1:9", OFFLOAD_TOKEN="hidden")
    assert "endpoint remote:" in done.stdout
    assert "hidden" not in done.stdout + done.stderr


@pytest.mark.light
def test_status_lines() -> None:
    found = {"policy": "auto", "log": {"last_error": None, "bytes": 2000}, "endpoints": [], "rtt_s": None}
    assert list(lines(found)) == [
        "policy     auto",
        "log:",
        "  last error  none",
        "  bytes       2.0 kB",
        "endpoints  none",
        "rtt        unknown",
    ]


def test_models(command: Any, home: Path) -> None:
    done = command("models", "path")
    path = Path(done.stdout.strip())
    assert path == home / "models" / "efficientnet_lite0.tflite"
    assert path.is_file()
    assert command("models", "pull", "efficientnet_lite0").stdout == done.stdout
    entries = {
        entry["name"]: entry for entry in map(json.loads, command("models", "list", "--json").stdout.splitlines())
    }
    assert entries["efficientnet_lite0"]["default"] is True
    assert entries["efficientnet_lite0"]["bytes"] == path.stat().st_size
    assert entries["mobilenet_v3_large"]["bytes"] is None
    assert "* efficientnet_lite0" in command("models", "list").stdout
    assert command("models", "path", "mobilenet_v3_large").returncode == 1


@pytest.mark.slow
def test_calibrate(command: Any, tmp_path: Path) -> None:
    done = command("calibrate", "--quick", OFFLOAD_HOME=str(tmp_path))
    assert done.returncode == 0
    assert "inference" in done.stdout
    assert "profile     " in done.stdout
    assert "\x1b" not in done.stderr  # no progress bar in a pipe
    assert "calibrated  yes" in command("status", OFFLOAD_HOME=str(tmp_path)).stdout


@pytest.mark.light
def test_a_progress_bar_on_a_terminal_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, expected in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress_bar("working") as tell:
            tell("half of it", 0.5)
        assert ("half of it" in stream.getvalue()) is expected


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_serve_classify_and_doctor_together(start: Any, command: Any, pictures: Path) -> None:
    pytest.importorskip("fastapi")
    server = start("serve", "--port", "0", "--workers", "1", "--token", "sesame")
    try:
        seen = ""
        while "ready on " not in seen:
            line = server.stderr.readline()
            assert line, f"the server ended: {seen}"
            seen += line
        assert "sesame" not in seen
        found = re.search(r"http://127\.0\.0\.1:\d+", seen)
        assert found is not None
        url = found[0]
        done = command(
            "classify", pictures / "a.jpg", "--json", "--policy", "remote", "--server", url, OFFLOAD_TOKEN="sesame"
        )
        answer = json.loads(done.stdout)
        assert (answer["path"], answer["endpoint"], answer["fallback"]) == ("remote", "remote", False)
        assert command("doctor", "--server", url, OFFLOAD_TOKEN="sesame").returncode == 0
        refused = command("doctor", "--server", url, OFFLOAD_TOKEN="wrong")
        assert refused.returncode == 1
        assert "the token is not accepted" in refused.stdout
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.communicate()


def test_serve_takes_the_tokens_of_the_environment(command: Any) -> None:
    pytest.importorskip("fastapi")
    done = command("serve", "--port", "0", OFFLOAD_TOKEN="good,not good")
    assert done.returncode == 2
    assert "a token is one word" in done.stderr
    assert "not good" not in done.stderr


def test_serve_on_a_port_that_is_taken(command: Any) -> None:
    import socket

    pytest.importorskip("fastapi")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = command("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    assert "cannot listen" in done.stderr
    assert len(done.stderr.splitlines()) == 1
