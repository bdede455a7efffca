"""The link emulator as a script."""

from __future__ import annotations

import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from offload_sdk.testing import FaultyServer

COMMAND = [sys.executable, "-m", "offload_sdk.testing.link"]


def test_it_prints_its_url_and_runs_until_told_to_end(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("t_s,uplink_mbps,rtt_ms,loss\n0,50,2,\n")
    with FaultyServer() as server:
        process = subprocess.Popen(
            [*COMMAND, "--upstream", server.url, "--trace", str(trace)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            with urllib.request.urlopen(url, timeout=10) as answer:
                assert answer.status == 200
            assert server.requests[0].headers["host"] == url.removeprefix("http://")
        finally:
            process.send_signal(signal.SIGTERM)
            _, errors = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "1 connections" in errors


def test_a_wrong_trace_is_one_line(tmp_path: Path) -> None:
    arguments = ["--upstream", "127.0.0.1:1", "--trace", str(tmp_path / "none.csv")]
    shown = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    assert (shown.returncode, shown.stdout, len(shown.stderr.splitlines())) == (1, "", 1)
