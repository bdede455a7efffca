"""One server under test: how it is started, asked and watched. Sends no load and makes no figures."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.server.client import ask

__all__ = ["Running", "Stack", "Unavailable", "running"]

_START_S = 180.0
_STOP_S = 20.0


class Unavailable(Exception):  # noqa: N818  # a state that is reported, not a fault
    """This server cannot be measured here; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A server to be. `command` and `environment` may hold `{port}`, which is replaced by a free one.

    `requests` are whole HTTP requests, one a picture; `top_index` finds the best class in an answer's body.
    `versions` asks the interpreter `python` for these distributions.
    """

    name: str
    model: str
    command: tuple[str, ...]
    requests: tuple[bytes, ...]
    top_index: Callable[[bytes], int]
    environment: Mapping[str, str] = field(default_factory=dict)
    versions: tuple[str, ...] = ()

    @property
    def python(self) -> Path:
        """The interpreter of the environment that holds the command."""
        return Path(self.command[0]).with_name("python")

    def version(self) -> str:
        """Names and versions of what runs. Raises: Unavailable."""
        code = (
            "import sys, json, importlib.metadata as m;"
            "print(json.dumps([f'{name} {m.version(name)}' for name in sys.argv[1:]]))"
        )
        found = subprocess.run(
            [self.python, "-c", code, *self.versions], capture_output=True, text=True, check=False
        )
        if found.returncode:
            raise Unavailable(found.stderr.strip().splitlines()[-1])
        return ", ".join(json.loads(found.stdout))


class Running:
    """A server that answers. CPU time and stopping concern all its processes."""

    def __init__(self, stack: Stack, process: psutil.Process, port: int) -> None:
        self.stack = stack
        self.port = port
        self._process = process

    def cpu_s(self) -> float:
        """User and system seconds that its processes have used so far."""
        return sum(times.user + times.system for times in (process.cpu_times() for process in self._tree()))

    def resident_bytes(self) -> int:
        """Resident memory of its processes; what they share is counted in each."""
        return sum(process.memory_info().rss for process in self._tree())

    @contextlib.contextmanager
    def awake(self) -> Iterator[None]:
        """Only within this does a server that is put to sleep run: none disturbs another's turn."""
        for process in self._tree():
            process.resume()
        try:
            yield
        finally:
            self.sleep()

    def sleep(self) -> None:
        for process in self._tree():
            process.suspend()

    def end(self) -> None:
        processes = self._tree()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()
        self._process.terminate()
        _, left = psutil.wait_procs(processes, _STOP_S)
        for process in left:
            process.kill()

    def _tree(self) -> Sequence[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]


@contextlib.contextmanager
def running(stack: Stack, log: Path) -> Iterator[Running]:
    """The server, after its first answer. What it prints goes into the file `log`. Raises: Unavailable."""
    if not stack.python.exists():
        raise Unavailable(f"not installed: {stack.python.parent.parent.name}")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    def filled(text: str) -> str:
        return text.replace("{port}", str(port))

    environment = {**os.environ, **{name: filled(value) for name, value in stack.environment.items()}}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [filled(word) for word in stack.command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=log.parent,
        )
        server = Running(stack, psutil.Process(process.pid), port)
        try:
            _until_it_answers(server, process, log)
            yield server
        finally:
            if process.poll() is None:
                server.end()
            process.wait()


def _until_it_answers(server: Running, process: subprocess.Popen[bytes], log: Path) -> None:
    end_s = time.monotonic() + _START_S
    status, problem = 0, "no answer"
    while status != 200:
        if process.poll() is not None:
            raise Unavailable(f"{server.stack.name} ended by itself: {_last_line(log)}")
        if time.monotonic() > end_s:
            raise Unavailable(f"{server.stack.name} does not answer: {problem}; {_last_line(log)}")
        try:
            status, body = ask(server.port, server.stack.requests[0])
            problem = f"{status} {body[:200]!r}"
        except (OSError, EOFError) as error:
            problem = str(error)
        if status != 200:
            time.sleep(0.1)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else "it printed nothing"
