"""Builds the Dockerfile's stages without Docker, and runs the last one as a container would be run.

Each stage is an overlay over this machine's own root file system, in a mount namespace of its own; nothing is
written outside the given folder. The instructions are read from the Dockerfile, so that a test cannot drift from
it. What this cannot show is the base image itself: the interpreter and the C library are this machine's.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dockerfile_parse

REPOSITORY = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = REPOSITORY / "server_stub" / "deploy" / "Dockerfile"
_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
_MOUNTS = "mount -t proc proc {root}/proc && mount --rbind /dev {root}/dev"


@dataclass(kw_only=True)
class Stage:
    """One stage: the files it has added to its base, and what its instructions have set."""

    upper: Path
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    folder: str = "/"

    def command(self, instruction: str) -> list[str]:
        """Return the exec form of ENTRYPOINT, or of the command of HEALTHCHECK."""
        words: list[str] = json.loads(self.settings[instruction].rpartition("CMD ")[2])
        return words


def instructions() -> list[tuple[str, str]]:
    parser = dockerfile_parse.DockerfileParser(fileobj=io.BytesIO(DOCKERFILE.read_bytes()))
    return [(step["instruction"], step["value"]) for step in parser.structure if step["instruction"] != "COMMENT"]


def build(folder: Path) -> Stage:
    """Carry out every instruction; return the last stage."""
    stages: dict[str, Stage] = {}
    stage: Stage | None = None
    for number, (instruction, value) in enumerate(instructions()):
        if instruction == "FROM":
            base, _, name = value.partition(" AS ")
            stage = _new_stage(folder / f"stage-{number}", stages.get(base))
            stages[name] = stage
            continue
        assert stage is not None
        if instruction == "RUN":
            _run(stage, value)
        elif instruction == "COPY":
            _copy(stage, value, stages)
        elif instruction == "WORKDIR":
            stage.folder = value
            (stage.upper / value.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif instruction in ("ENV", "ARG", "LABEL"):
            target = {"ENV": stage.environment, "ARG": stage.arguments, "LABEL": stage.labels}[instruction]
            for pair in shlex.split(value):
                key, _, text = pair.partition("=")
                target[key] = _substitute(text, {**stage.arguments, **stage.environment})
        else:
            stage.settings[instruction] = value
    assert stage is not None
    return stage


def _new_stage(upper: Path, base: Stage | None) -> Stage:
    if base is not None:
        shutil.copytree(base.upper, upper, symlinks=True)
        return Stage(upper=upper, environment=dict(base.environment))
    upper.mkdir(parents=True)
    # As in the base image, `python` is on the PATH and everybody may run it, wherever it is on this machine.
    folder = Path(sys.base_prefix) / "bin"
    stage = Stage(upper=upper, environment={"PATH": f"{folder}:{_PATH}"})
    _run(stage, f"chmod o+x {shlex.join(map(str, [folder, *folder.parents]))}")
    return stage


def _substitute(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], text)


def _overlay(stage: Stage) -> tuple[str, Path]:
    """Return the options of the overlay that is the stage's file system, and where to mount it."""
    work, root = stage.upper.with_suffix(".work"), stage.upper.with_suffix(".root")
    work.mkdir(exist_ok=True)
    root.mkdir(exist_ok=True)
    return f"lowerdir=/,upperdir={stage.upper},workdir={work}", root


def _run(stage: Stage, command: str) -> None:
    overlay, root = _overlay(stage)
    inside = f"cd {shlex.quote(stage.folder)} && {{ {command}\n}}"
    script = (
        f"mount -t overlay overlay -o {overlay} {root} && {_MOUNTS.format(root=root)} "
        f"&& exec chroot {root} /bin/sh -c {shlex.quote(inside)}"
    )
    pip = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "SSL_", "HTTP", "http"))}
    done = subprocess.run(
        ["unshare", "--mount", "/bin/sh", "-c", script],
        env={**pip, **stage.environment, **stage.arguments, "HOME": "/root"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def _copy(stage: Stage, value: str, stages: dict[str, Stage]) -> None:
    words = value.split()
    source = re.fullmatch(r"--from=(\w+)", words[0])
    paths = words[1:-1] if source else words[:-1]
    origin = stages[source[1]].upper if source else REPOSITORY
    for path in paths:
        found = origin / path.lstrip("/")
        target = (
            stage.upper / stage.folder.lstrip("/") / words[-1]
            if not words[-1].startswith("/")
            else (stage.upper / words[-1].lstrip("/"))
        )
        if found.is_dir():
            ignore = None if source else shutil.ignore_patterns("__pycache__")
            shutil.copytree(found, target, symlinks=True, ignore=ignore)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy2(found, target)


@dataclass(kw_only=True)
class Container:
    """A running container. `pid` is that of its first process, seen from outside."""

    stage: Stage
    process: subprocess.Popen[str]
    pid: int

    def status(self, key: str) -> str:
        text = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return next(line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith(f"{key}:"))

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def inside(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command of the image in the container, as `docker exec` does."""
        user, group = self.stage.settings["USER"].split(":")
        pairs = [f"{key}={value}" for key, value in self.stage.environment.items()]
        entered = ["nsenter", "--target", str(self.pid), "--mount", "--net", "--pid", "--root"]
        become = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"]
        return _quietly([*entered, *become, "env", "-i", *pairs, *command])

    def from_its_network(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command of this machine that sees the container's network only."""
        return _quietly(["nsenter", "--target", str(self.pid), "--net", *command])


def _quietly(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@contextlib.contextmanager
def container(stage: Stage) -> Iterator[Container]:
    """Start the stage's ENTRYPOINT as process 1: read-only root, no capability, a loopback of its own."""
    overlay, root = _overlay(stage)
    user, group = stage.settings["USER"].split(":")
    pairs = [f"{key}={value}" for key, value in stage.environment.items()]
    drop = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--clear-groups"]
    command = [
        *("chroot", str(root), "setpriv", f"--reuid={user}", f"--regid={group}", *drop),
        *("env", "-i", *pairs, *stage.command("ENTRYPOINT")),
    ]
    script = (
        f"ip link set lo up && mount -t overlay overlay -o {overlay} {root} && {_MOUNTS.format(root=root)} "
        f"&& mount -o remount,ro {root} && mount -t tmpfs -o size=16m tmpfs {root}/tmp "
        f"&& exec {shlex.join(command)}"
    )
    isolated = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "/bin/sh", "-c", script]
    process = subprocess.Popen(isolated, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    try:
        lines: list[str] = []
        for line in process.stderr:
            lines.append(line)
            if "ready on" in line:
                break
        else:
            raise AssertionError("".join(lines))
        yield Container(stage=stage, process=process, pid=int(children.read_text("ascii")))
    finally:
        if process.poll() is None:
            for child in children.read_text("ascii").split():
                os.kill(int(child), signal.SIGKILL)  # process 1: the rest of the container ends with it
        process.communicate(timeout=20)
