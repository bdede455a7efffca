"""The simulation of what the devices lived through: the same link, images and measured times. No sockets."""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from benchmarks.live.compare import Fate
from benchmarks.live.course import Course
from benchmarks.live.rig import Finish
from benchmarks.policies.cells import profile_of
from benchmarks.policies.contender import Attempt
from benchmarks.policies.engine import simulate
from benchmarks.policies.scene import Scene, World
from benchmarks.policies.sdk import Sdk
from offload_sdk._config import AutoConfig, PolicyName
from offload_sdk._types import OptionPath
from offload_sdk.decide import policy_by_name
from offload_sdk.measure.probe_schedule import Probe

__all__ = ["Twin", "twin_of"]

_NEAR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A scene with measured times.

    For each image, by the side that works on it: `told_s` is what the SDK learns of the time of computing (of a
    server's, what that reports; the device's includes decoding), `around_s` what an answer takes beside the work
    that others wait for.
    """

    scene: Scene
    told_s: Mapping[OptionPath, Sequence[float]]
    around_s: Mapping[OptionPath, Sequence[float]]
    seed: int

    def run(self, policy: PolicyName) -> dict[int, Fate]:
        """Let the SDK with this policy answer the images."""
        scene = self.scene
        profile = profile_of(1e3 * scene.board_s)
        chooser = policy_by_name(policy, **AutoConfig().model_dump(), rng=random.Random(self.seed))
        contender = _Told(profile, scene.payload_bytes, self.seed, chooser)
        contender.told_s = self.told_s
        return {
            answer.index: Fate(
                latency_s=answer.latency_s + self.around_s[answer.path][answer.index],
                path=answer.path,
                duplicate=answer.duplicate,
            )
            for answer in simulate(scene, contender, profile).answers
        }


def twin_of(course: Course, local: Finish, ideal: Finish, seed: int) -> Twin:
    """What the simulation needs to know, as measured: sizes, and what an image takes on either side alone.

    `local` is the device that does all images itself, `ideal` one that sends all of them over a link that takes no
    time: what remains is the server and HTTP. An image has the times of one of its neighbours: the machine's mood
    is that of the moment, for all devices alike, its accidents are each one's. HTTP takes a ping the median time.
    """
    rng = random.Random(f"{seed}/twin")
    last = len(course.images) - 1
    near = [min(max(n + rng.randint(-_NEAR, _NEAR), 0), last) for n in range(last + 1)]
    local_times = _times(local, last + 1, "infer")
    board = [local_times[n] for n in near]
    prepared = _times(local, last + 1, "decode", "preprocess", "infer")
    remote = _times(ideal, last + 1, "network", "server")
    told = _times(ideal, last + 1, "server")
    http_s = statistics.median(whole.work_s - part.work_s for whole, part in zip(remote, told, strict=True))
    return Twin(
        scene=Scene(
            link=course.link,
            origin_s=0.0,
            images=tuple(
                replace(draw, size_bytes=len(picture), local_s=inference.work_s, server_s=remote[n].work_s)
                for draw, picture, inference, n in zip(course.images, course.pictures, board, near, strict=True)
            ),
            arrivals=course.arrivals,
            board_s=course.board_s,
            payload_bytes=course.payload_bytes,
            deadline_s=2.0 * course.board_s,
            duplicates_frac=AutoConfig().duplicates_frac,
            seed=seed,
            world=World(ping_s=http_s),
        ),
        told_s={
            "local": [prepared[n].work_s for n in near],
            "remote": [told[n].work_s for n in near],
        },
        around_s={
            "local": [inference.around_s for inference in board],
            "remote": [remote[n].around_s for n in near],
        },
        seed=seed,
    )


class _Told(Sdk):
    """The SDK, told no more of a server's time than a real server tells: HTTP counts as the network's time."""

    told_s: Mapping[OptionPath, Sequence[float]]

    def learn(self, attempt: Attempt) -> None:
        if attempt.index is not None and attempt.compute_s > 0.0:
            attempt = replace(attempt, compute_s=self.told_s[attempt.path][attempt.index])
        super().learn(attempt)

    def probe_ended(self, probe: Probe, attempt: Attempt, spent_bytes: int) -> None:
        told_s = 0.0 if probe.upload_bytes is None else self.told_s["remote"][0]
        super().probe_ended(probe, replace(attempt, compute_s=told_s), spent_bytes)


class _Time(NamedTuple):
    """What some steps took for an image, and what all else did but its wait for those before it."""

    work_s: float
    around_s: float


def _times(finish: Finish, count: int, *steps: str) -> list[_Time]:
    """The times of the images by their places; one that lacks a step took what is usual."""
    rows = {row.request_id: row.timings for row in finish.rows}
    measured: dict[int, _Time] = {}
    for call in finish.lap.calls:
        timings = rows[call.request_id]
        if all(step in timings for step in steps):
            work_s = sum(timings[step] for step in steps)
            measured[call.index] = _Time(work_s, call.latency_s - timings.get("wait", 0.0) - work_s)
    usual = _Time(*(statistics.median(column) for column in zip(*measured.values(), strict=True)))
    return [measured.get(index, usual) for index in range(count)]
