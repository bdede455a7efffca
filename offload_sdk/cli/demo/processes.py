"""The server and the device of the demonstration as its main process sees them. Each ends with its block."""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from offload_sdk.errors import OffloadError

__all__ = ["Device", "DeviceGoneError", "device", "server"]

_START_S = 60.0
_REPLY_S = 120.0
_STOP_S = 5.0


class DeviceGoneError(OffloadError):
    """The process of the device has ended, or does not answer any more."""


class Device:
    """The other end of `demo.device`: one command at a time."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.pid = process.pid
        self._process = process
        self._log = log
        self._replies: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="demo-device", daemon=True).start()

    def ask(self, do: str, tell: Callable[[str, float], None] | None = None, **arguments: Any) -> dict[str, Any]:
        """Have one command done; `tell` gets its progress. `OffloadError` is what the device reports."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
        except OSError:
            raise self._gone("has ended") from None
        while True:
            try:
                line = self._replies.get(timeout=_REPLY_S)
            except queue.Empty:
                raise self._gone(f"has not answered {do!r} for {_REPLY_S:.0f} s") from None
            if line is None:
                raise self._gone("has ended")
            reply = json.loads(line)
            if "error" in reply:
                raise OffloadError(reply["error"])
            if "done" in reply:
                done: dict[str, Any] = reply["done"]
                return done
            if tell is not None:
                tell(reply["step"], reply["frac"])

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._replies.put(line)
        self._replies.put(None)

    def _gone(self, what: str) -> DeviceGoneError:
        return DeviceGoneError(f"the device's process {what}: {_last_line(self._log)} (see {self._log})")


@contextmanager
def device(home: Path) -> Iterator[Device]:
    """Start the device's process. What it prints goes to `device.log` in `home`."""
    log = home / "device.log"
    process = _start(["-m", "offload_sdk.cli.demo.device"], home, log)
    try:
        yield Device(process, log)
    finally:
        _end(process, process.kill)  # whoever wants its log whole has told it to close


@contextmanager
def server(home: Path, model: str) -> Iterator[str]:
    """Start the server on a free port of the loopback interface; give its URL once the model is loaded."""
    log = home / "server.log"
    process = _start(["-m", "server_stub", "--port", "0", "--model", model], home, log)
    try:
        yield _wait_for_url(process, log)
    finally:
        _end(process, process.terminate)


def _start(arguments: list[str], home: Path, log: Path) -> subprocess.Popen[str]:
    """Start Python in the folder `home`, its input and output piped, its messages in `log`.

    The user's own settings of this library, and proxies, have no say in it.
    """
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("OFFLOAD_")}
    try:
        with log.open("w") as errors:
            return subprocess.Popen(  # noqa: S603 (own modules only)
                [sys.executable, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                cwd=home,
                env=kept | {"OFFLOAD_HOME": str(home), "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
            )
    except OSError as error:
        raise OffloadError(f"{error.filename} cannot be used: {error.strerror}") from None


def _wait_for_url(process: subprocess.Popen[str], log: Path) -> str:
    end_s = time.monotonic() + _START_S
    while time.monotonic() < end_s:
        ready = re.search(r"ready on (http://\S+)", log.read_text(errors="replace"))
        if ready is not None:
            return ready[1]
        if process.poll() is not None:
            raise OffloadError(f"the server ended at its start: {_last_line(log)} (see {log})")
        time.sleep(0.05)
    raise OffloadError(f"the server was not ready after {_START_S:.0f} s: {_last_line(log)} (see {log})")


def _end(process: subprocess.Popen[str], gently: Callable[[], None]) -> None:
    gently()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it left no message"
