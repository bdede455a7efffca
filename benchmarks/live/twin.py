"""The simulation of what the devices lived through: the same link, images and measured times. No sockets."""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace

from benchmarks.live.course import Course
from benchmarks.live.rig import Finish
from benchmarks.policies.cells import profile_of
from benchmarks.policies.contender import Attempt
from benchmarks.policies.engine import Run, simulate
from benchmarks.policies.scene import Scene
from benchmarks.policies.sdk import Sdk
from offload_sdk._config import AutoConfig, PolicyName
from offload_sdk.decide import policy_by_name

__all__ = ["Twin", "twin_of"]

_NEAR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A scene with measured times, and for each image what the server itself reported of its time."""

    scene: Scene
    told_s: Mapping[int, float]
    seed: int

    def run(self, policy: PolicyName) -> Run:
        """Let the SDK with this policy answer the images."""
        scene = self.scene
        profile = profile_of(1e3 * scene.board_s)
        chooser = policy_by_name(policy, **AutoConfig().model_dump(), rng=random.Random(self.seed))
        contender = _Told(profile, scene.payload_bytes, self.seed, chooser)
        contender.told_s = self.told_s
        return simulate(scene, contender, profile)


def twin_of(course: Course, local: Finish, ideal: Finish, seed: int) -> Twin:
    """What the simulation needs to know, as measured: sizes, and what an image takes on either side alone.

    `local` is the device that does all images itself, `ideal` one that sends all of them over a link that takes no
    time: what remains is the server, HTTP, and all that the SDK does around them. An image has the times of one of
    its neighbours: the machine's mood is that of the moment, for all devices alike, its accidents are each one's.
    """
    rng = random.Random(f"{seed}/twin")
    last = len(course.images) - 1
    near = [min(max(n + rng.randint(-_NEAR, _NEAR), 0), last) for n in range(last + 1)]
    local_s, remote_s, told_s = _alone_s(local), _alone_s(ideal), _told_s(ideal)
    usual_local_s, usual_remote_s = (statistics.median(times.values()) for times in (local_s, remote_s))
    scene = Scene(
        link=course.link,
        origin_s=0.0,
        images=tuple(
            replace(
                draw,
                size_bytes=len(picture),
                local_s=local_s.get(neighbour, usual_local_s),
                server_s=remote_s.get(neighbour, usual_remote_s),
            )
            for draw, picture, neighbour in zip(course.images, course.pictures, near, strict=True)
        ),
        arrivals=course.arrivals,
        board_s=course.board_s,
        payload_bytes=course.payload_bytes,
        deadline_s=2.0 * course.board_s,
        duplicates_frac=AutoConfig().duplicates_frac,
        seed=seed,
    )
    told = {index: told_s[neighbour] for index, neighbour in enumerate(near) if neighbour in told_s}
    return Twin(scene=scene, told_s=told, seed=seed)


class _Told(Sdk):
    """The SDK, told of a server's time no more than a real server tells: HTTP counts as the network's time."""

    told_s: Mapping[int, float]

    def learn(self, attempt: Attempt) -> None:
        if attempt.path == "remote" and attempt.index is not None and attempt.index in self.told_s:
            attempt = replace(attempt, compute_s=min(attempt.compute_s, self.told_s[attempt.index]))
        super().learn(attempt)


def _alone_s(finish: Finish) -> dict[int, float]:
    """What each image took, less its wait for those before it."""
    waits_s = {row.request_id: row.timings.get("wait", 0.0) for row in finish.rows}
    return {call.index: call.latency_s - waits_s[call.request_id] for call in finish.lap.calls}


def _told_s(finish: Finish) -> dict[int, float]:
    rows = {row.request_id: row for row in finish.rows}
    told = ((call.index, rows[call.request_id].timings.get("server")) for call in finish.lap.calls)
    return {index: seconds for index, seconds in told if seconds is not None}
