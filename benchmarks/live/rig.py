"""The rig: a server and devices, each a process of its own, and an emulated link for each device. No figures."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.live.course import Course
from benchmarks.live.device import MODEL, DeviceSpec, Lap, run_device
from benchmarks.server.payloads import payloads
from benchmarks.server.stack import running
from benchmarks.server.stacks import ours
from offload_sdk._config import PolicyName
from offload_sdk._types import Record
from offload_sdk.log import read_rows
from offload_sdk.model import resolve
from offload_sdk.testing import LinkEmulator, LinkTrace

__all__ = ["IDEAL", "Entry", "Finish", "run_course"]

IDEAL = LinkTrace.constant(10_000.0, 0.0)
"""A link that takes no time: what is left of a remote image is everything but its link."""

_SERVER_WORKERS = 2
_PATIENCE_S = 60.0

Act = Callable[[LinkEmulator], None]
"""What is done to the link of a device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A device of the comparison: its policy, a link that is not the course's, and what happens to it when."""

    name: str
    policy: PolicyName
    link: LinkTrace | None = None
    events: tuple[tuple[float, Act], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What became of a device: its lap, and the rows of its log."""

    lap: Lap
    rows: tuple[Record, ...]


def run_course(course: Course, entries: Sequence[Entry], *, limited: bool, seed: int) -> Mapping[str, Finish]:
    """Let all devices run the course side by side, each a share of half a second after the one before.

    So every device meets the same link and the same images at the same times of its own course, and all of them
    the same moods of this machine, but no two begin an image at once if images come in slots.
    """
    home = Path(tempfile.gettempdir()) / "offload-sdk-benchmarks"
    resolve(MODEL, home / "models")  # built once, before several processes look for it
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        served = ours(MODEL, home, payloads(), _SERVER_WORKERS)
        server = stack.enter_context(running(served, folder / "server.log"))
        links = [stack.enter_context(LinkEmulator(("127.0.0.1", server.port), IDEAL)) for _ in entries]
        pipes: list[Connection] = []
        for entry, link in zip(entries, links, strict=True):
            spec = DeviceSpec(
                name=entry.name,
                policy=entry.policy,
                url=link.url,
                home=home,
                log=folder / f"{entry.name}.sqlite3",
                limited=limited,
                seed=seed,
            )
            pipes.append(stack.enter_context(_device(spec, course)))
            _receive(pipes[-1], _PATIENCE_S)  # before the next one, whose board would be measured beside it
        first_s = time.monotonic() + 0.5
        plan: list[tuple[float, int, Act]] = []
        for number, (entry, pipe) in enumerate(zip(entries, pipes, strict=True)):
            begins_s = first_s + 0.5 * number / len(entries)
            pipe.send(begins_s)
            play: Act = partial(LinkEmulator.set_trace, trace=entry.link or course.link)
            plan += [(begins_s + at_s, number, act) for at_s, act in ((0.0, play), *entry.events)]
        for at_s, number, act in sorted(plan, key=lambda step: step[:2]):
            time.sleep(max(at_s - time.monotonic(), 0.0))
            act(links[number])
        laps = [_receive(pipe, course.images[-1].slot_s + 2 * _PATIENCE_S) for pipe in pipes]
        return {
            entry.name: Finish(lap=lap, rows=tuple(read_rows(folder / f"{entry.name}.sqlite3")))
            for entry, lap in zip(entries, laps, strict=True)
        }


@contextmanager
def _device(spec: DeviceSpec, course: Course) -> Iterator[Connection]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=run_device, args=(spec, course, theirs), name=spec.name)
    process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(10.0)
        if process.is_alive():
            process.terminate()
            process.join()


def _receive(pipe: Connection, patience_s: float) -> Any:
    if not pipe.poll(patience_s):
        raise TimeoutError(f"a device said nothing for {patience_s:.0f} s")
    return pipe.recv()
