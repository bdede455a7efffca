"""One device in a process of its own: an `Offloader` on a slow board that is given images when they are due."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.live.board import LimitedBoard, PaddedBoard
from benchmarks.live.course import Course
from benchmarks.policies.cells import profile_of
from offload_sdk import OffloadConfig, Offloader
from offload_sdk._config import PolicyName
from offload_sdk._types import Snapshot
from offload_sdk.estimate import LocalEstimator, Prices, RemoteEstimator
from offload_sdk.estimate.pixels import PixelTime
from offload_sdk.execute.local import LocalExecutor
from offload_sdk.model import resolve
from offload_sdk.model.payload import payloads_for

__all__ = ["MODEL", "Call", "DeviceSpec", "Lap", "run_device"]

MODEL = "efficientnet_lite0"
_AT_ONCE = 32  # calls; more wait for a thread, and their clocks run
_LINGER_S = 2.5
_LARGEST_PX = 1024  # takes more bytes than any picture of the course, which is therefore sent as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSpec:
    name: str
    policy: PolicyName
    url: str
    home: Path
    log: Path
    limited: bool
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of `classify`. Times in seconds, `since_s` from the beginning of the course."""

    index: int
    since_s: float
    latency_s: float
    request_id: str
    labels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """What a device did on a course; `errors` and `threads_left` should be empty."""

    calls: tuple[Call, ...]
    errors: tuple[str, ...]
    threads_left: tuple[str, ...]


class Mains:
    """A probe of a device on mains power that nothing else is running on."""

    def read(self) -> Snapshot:
        return Snapshot(taken_s=time.monotonic(), on_mains=True, cpu_load_frac=0.0)


def run_device(spec: DeviceSpec, course: Course, pipe: Connection) -> None:
    """Get ready, say so, be told when to begin (on the monotonic clock), run, and send the `Lap`."""
    before = set(threading.enumerate())
    offloader = _offloader(spec, course)
    errors: list[str] = []
    try:
        pipe.send("ready")
        begun_s: float = pipe.recv()
        calls = _run(offloader, course, begun_s, errors)
        time.sleep(_LINGER_S)  # what lost a race may still be on its way
    finally:
        offloader.close()
    left = [thread for thread in threading.enumerate() if thread not in before and not _ends(thread)]
    pipe.send(Lap(calls=tuple(calls), errors=tuple(errors), threads_left=tuple(thread.name for thread in left)))


def _offloader(spec: DeviceSpec, course: Course) -> Offloader:
    config = OffloadConfig(
        home=spec.home,
        server_url=spec.url,
        policy=spec.policy,
        model=MODEL,
        threads=1,
        seed=spec.seed,
        payload={"side_px": _LARGEST_PX},
        log={"path": spec.log},
    )
    model = resolve(MODEL, config.models_dir)
    board = LimitedBoard(model, course.board_s) if spec.limited else PaddedBoard(model, course.board_s, spec.seed)
    offloader = Offloader(config, probe=Mains())
    parts = offloader._parts
    profile = profile_of(1e3 * course.board_s)  # as if it were calibrated; the simulation has the same
    payloads = payloads_for(model.spec, side_px=_LARGEST_PX)
    local = LocalEstimator(profile, PixelTime({"": 0.0}, base_s=1e-6), cores=4)
    remote = RemoteEstimator(
        "remote", profile, PixelTime({"": 0.0}, base_s=1e-6), prices=Prices(), payloads=payloads
    )
    with parts.lock:
        executor = LocalExecutor(board, clock=time.monotonic)
        parts.by_name["local"] = replace(parts.by_name["local"], executor=executor, estimator=local)
        parts.by_name["remote"] = replace(parts.by_name["remote"], estimator=remote)
        parts.sides = tuple(parts.by_name.values())
        parts.estimators = {side.name: side.estimator for side in parts.sides}
    return offloader


def _run(offloader: Offloader, course: Course, begun_s: float, errors: list[str]) -> Sequence[Call]:
    calls: list[Call] = []

    def classify(index: int, since_s: float) -> None:
        try:
            answer = offloader.classify(course.pictures[index])
        except Exception as error:  # any at all is a finding
            errors.append(f"image {index}: {error!r}")
            return
        ended_s = time.monotonic() - begun_s
        calls.append(
            Call(
                index=index,
                since_s=since_s,
                latency_s=ended_s - since_s,
                request_id=answer.request_id,
                labels=len(answer.labels),
            )
        )

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for index, draw in enumerate(course.images):
            time.sleep(max(begun_s + draw.slot_s - time.monotonic(), 0.0))
            if course.arrivals == "closed":
                classify(index, time.monotonic() - begun_s)
            else:
                pool.submit(classify, index, draw.slot_s)
    return sorted(calls, key=lambda call: call.index)


def _ends(thread: threading.Thread) -> bool:
    thread.join(1.0)
    return not thread.is_alive()
