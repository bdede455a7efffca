"""Makes one running process as slow as a small board: a CPU cgroup, else stopping and continuing it by signals.

Only the process is slowed, nothing that is measured is altered. What is run in it is none of this file's business.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from offload_sdk._profile import board_name

__all__ = ["SLOWDOWN", "slowed"]

SLOWDOWN = 12
_RUN_US = 1_000  # the least quota that the kernel takes
_PERIOD_US = SLOWDOWN * _RUN_US
_PREFIX = "offload-demo-"


@contextmanager
def slowed(pid: int, *, root: Path = Path("/"), cgroups: bool = True) -> Iterator[tuple[bool, str]]:
    """Slow the process `pid` down until the block is left; give whether it is, and a sentence that says how.

    A Raspberry Pi is left as it is. `root` is where `proc` and `sys` lie; without `cgroups` none is made.
    """
    board = board_name(root)
    if "Raspberry Pi" in board:
        yield False, f"Nothing is slowed down: this is a {board} itself."
        return
    group, why = _enter_cgroup(pid, root) if cgroups else (None, "not asked for")
    if group is not None:
        try:
            yield True, f"The device runs on 1/{SLOWDOWN} of one core (a CPU cgroup), like a small board."
        finally:
            _leave_cgroup(group)
    elif hasattr(signal, "SIGSTOP"):
        with _stop_and_go(pid):
            yield (
                True,
                f"The device runs on 1/{SLOWDOWN} of one core, like a small board: stopped and continued by "
                f"signals, as no CPU cgroup can be had here ({why}).",
            )
    else:
        yield False, f"Nothing is slowed down, as {sys.platform} offers no way to: expect the local path to win."


def _enter_cgroup(pid: int, root: Path) -> tuple[Path | None, str]:
    """Return the new group that holds the process, or None and why there is none."""
    why = "this system has none"
    for parent, version in _parents(root):
        group = parent / f"{_PREFIX}{os.getpid()}"
        try:
            _sweep(parent, root)
            group.mkdir()
        except OSError as error:
            why = error.strerror or str(error)
            continue
        try:
            if version == 1:
                (group / "cpu.cfs_period_us").write_text(f"{_PERIOD_US}")
                (group / "cpu.cfs_quota_us").write_text(f"{_RUN_US}")
            elif (group / "cpu.max").exists():
                (group / "cpu.max").write_text(f"{_RUN_US} {_PERIOD_US}")
            else:
                raise PermissionError(0, "the cpu controller is not delegated")
            (group / "cgroup.procs").write_text(f"{pid}")
        except OSError as error:
            why = error.strerror or str(error)
            _leave_cgroup(group)
            continue
        return group, ""
    return None, why


def _parents(root: Path) -> Iterator[tuple[Path, int]]:
    """Yield the groups under which one may be made, the own one first, with the version of the interface."""
    own: dict[int, str] = {}
    for line in _lines(root / "proc/self/cgroup"):
        number, controllers, path = line.split(":", 2)
        if number == "0":
            own[2] = path
        elif "cpu" in controllers.split(","):
            own[1] = path
    for line in _lines(root / "proc/mounts"):
        _, mount, kind, options, *_ = line.split(" ")
        if kind == "cgroup" and "cpu" in options.split(","):
            version = 1
        elif kind == "cgroup2":
            version = 2
        else:
            continue
        top = root / mount.lstrip("/")
        group = top / own.get(version, "/").lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_dir():
                yield folder, version
            if folder == top:
                break


def _leave_cgroup(group: Path) -> None:
    """Move what is still inside one level up, and remove the group."""
    for pid in _lines(group / "cgroup.procs"):
        with contextlib.suppress(OSError):
            (group.parent / "cgroup.procs").write_text(pid)
    with contextlib.suppress(OSError):
        group.rmdir()


def _sweep(parent: Path, root: Path) -> None:
    """Remove groups that a demo left behind which was killed; one in use cannot be removed."""
    for group in parent.glob(f"{_PREFIX}*"):
        if not (root / "proc" / group.name.removeprefix(_PREFIX)).exists():
            with contextlib.suppress(OSError):
                group.rmdir()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


@contextmanager
def _stop_and_go(pid: int) -> Iterator[None]:
    """Do what the quota of a cgroup does: after each slice of processor time, stop the process until it is due.

    While the process waits for something it is left alone. At the end it runs on freely.
    """
    ended = threading.Event()

    def pace() -> None:
        with contextlib.suppress(ProcessLookupError):
            spent_s, since_s = _cpu_s(pid), time.monotonic()
            while not ended.wait(_RUN_US * 1e-6):
                used_s = _cpu_s(pid) - spent_s
                if used_s < _RUN_US * 1e-6:
                    continue
                os.kill(pid, signal.SIGSTOP)
                used_s = _cpu_s(pid) - spent_s  # it ran on until the signal took effect
                ended.wait(max(0.0, SLOWDOWN * used_s - (time.monotonic() - since_s)))
                spent_s, since_s = spent_s + used_s, time.monotonic()
                os.kill(pid, signal.SIGCONT)

    thread = threading.Thread(target=pace, name="demo-stop-and-go", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _cpu_s(pid: int) -> float:
    """Return the processor time that a process has used. Raises `ProcessLookupError` when it has gone."""
    if sys.platform == "linux":
        # The kernel's number for the clock of another process (clock_getcpuclockid): psutil reads steps of 10 ms.
        try:
            return time.clock_gettime((~pid << 3) | 2)
        except OSError:
            raise ProcessLookupError(pid) from None
    import psutil

    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        raise ProcessLookupError(pid) from None
    return float(times.user + times.system)
