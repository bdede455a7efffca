"""The simulation of what the devices lived through: the same link, images and measured times. No sockets."""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from benchmarks.live.compare import Fate
from benchmarks.live.course import Course
from benchmarks.live.rig import Finish
from benchmarks.policies.cells import profile_of
from benchmarks.policies.contender import Attempt
from benchmarks.policies.engine import simulate
from benchmarks.policies.scene import Scene
from benchmarks.policies.sdk import Sdk
from offload_sdk._config import AutoConfig, PolicyName
from offload_sdk.decide import policy_by_name

__all__ = ["Twin", "twin_of"]

_NEAR = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """A scene with measured times. For each image `told_s` is what the server itself reported of its time, and
    `around_s` what a local image takes beside its inference: in a thread of its own, so that none waits for it.
    """

    scene: Scene
    told_s: Mapping[int, float]
    around_s: Mapping[int, float]
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
                latency_s=answer.latency_s + (self.around_s[answer.index] if answer.path == "local" else 0.0),
                path=answer.path,
                duplicate=answer.duplicate,
            )
            for answer in simulate(scene, contender, profile).answers
        }


def twin_of(course: Course, local: Finish, ideal: Finish, seed: int) -> Twin:
    """What the simulation needs to know, as measured: sizes, and what an image takes on either side alone.

    `local` is the device that does all images itself, `ideal` one that sends all of them over a link that takes no
    time: what remains is the server, HTTP, and all that the SDK does around them. An image has the times of one of
    its neighbours: the machine's mood is that of the moment, for all devices alike, its accidents are each one's.
    """
    rng = random.Random(f"{seed}/twin")
    last = len(course.images) - 1
    near = [min(max(n + rng.randint(-_NEAR, _NEAR), 0), last) for n in range(last + 1)]
    board, server = _times(local, "infer", last + 1), _times(ideal, "server", last + 1)
    return Twin(
        scene=Scene(
            link=course.link,
            origin_s=0.0,
            images=tuple(
                replace(draw, size_bytes=len(picture), local_s=board[n].step_s, server_s=server[n].alone_s)
                for draw, picture, n in zip(course.images, course.pictures, near, strict=True)
            ),
            arrivals=course.arrivals,
            board_s=course.board_s,
            payload_bytes=course.payload_bytes,
            deadline_s=2.0 * course.board_s,
            duplicates_frac=AutoConfig().duplicates_frac,
            seed=seed,
        ),
        told_s={index: server[n].step_s for index, n in enumerate(near)},
        around_s={index: board[n].alone_s - board[n].step_s for index, n in enumerate(near)},
        seed=seed,
    )


class _Told(Sdk):
    """The SDK, told of a server's time no more than a real server tells: HTTP counts as the network's time."""

    told_s: Mapping[int, float]

    def learn(self, attempt: Attempt) -> None:
        if attempt.path == "remote" and attempt.index is not None:
            attempt = replace(attempt, compute_s=min(attempt.compute_s, self.told_s[attempt.index]))
        super().learn(attempt)


class _Time(NamedTuple):
    """What an image took, less its wait for those before it, and of that one step alone."""

    alone_s: float
    step_s: float


def _times(finish: Finish, step: str, count: int) -> list[_Time]:
    """The times of the images by their places; one that failed to do the step took what is usual."""
    rows = {row.request_id: row.timings for row in finish.rows}
    told = [(call, rows[call.request_id]) for call in finish.lap.calls]
    measured = {
        call.index: _Time(call.latency_s - timings.get("wait", 0.0), timings[step])
        for call, timings in told
        if step in timings
    }
    usual = _Time(*(statistics.median(column) for column in zip(*measured.values(), strict=True)))
    return [measured.get(index, usual) for index in range(count)]
