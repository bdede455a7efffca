"""Scenes and contenders for the tests of the simulator. Asserts nothing."""

from __future__ import annotations

import random
from collections.abc import Sequence

from benchmarks.policies.cells import profile_of
from benchmarks.policies.contender import Attempt, Contender, Plan, View
from benchmarks.policies.engine import Run, simulate
from benchmarks.policies.scene import Arrivals, Draw, Scene, World, draw_images
from offload_sdk.testing import LinkSample, LinkTrace

BOARD_MS = 100.0


def changing_link(seed: int = 0, samples: int = 60) -> LinkTrace:
    """A link that jumps once a second, stalls now and then, and is neither always good nor always bad."""
    rng = random.Random(seed)
    return LinkTrace(
        LinkSample(
            t_s=float(t), uplink_mbps=rng.choice((0.0, 0.5, 2.0, 8.0, 40.0)), rtt_ms=rng.choice((5, 40, 90))
        )
        for t in range(samples)
    )


BLACK_HOLE = LinkTrace.constant(0.0, 20.0)
MILD = World()


def image(slot_s: float = 0.0, size_bytes: int = 20_000, local_s: float = 0.1, server_s: float = 0.01) -> Draw:
    return Draw(slot_s=slot_s, size_bytes=size_bytes, local_s=local_s, server_s=server_s)


def scene(
    link: LinkTrace | None = None,
    *,
    images: Sequence[Draw] | None = None,
    count: int = 120,
    arrivals: Arrivals = "closed",
    payload_bytes: int = 20_000,
    seed: int = 1,
    world: World = MILD,
) -> Scene:
    drawn = draw_images(
        count,
        arrivals=arrivals,
        board_s=BOARD_MS / 1e3,
        payload_bytes=payload_bytes,
        server_s=world.server_s,
        rng=random.Random(seed),
    )
    return Scene(
        link=link or changing_link(seed),
        origin_s=0.0,
        images=tuple(images) if images is not None else drawn,
        arrivals=arrivals,
        board_s=BOARD_MS / 1e3,
        payload_bytes=payload_bytes,
        deadline_s=0.2,
        duplicates_frac=0.1,
        seed=seed,
        world=world,
    )


def run(of: Scene, contender: Contender, *, truth: bool = False) -> Run:
    return simulate(of, contender, profile_of(BOARD_MS), truth=truth)


class Scripted(Contender):
    """Does as it is told, image by image, and notes what it is told of the attempts."""

    def __init__(self, *plans: Plan, keeps_warm: bool = False) -> None:
        self._plans = plans
        self.keeps_warm = keeps_warm
        self.views: list[View] = []
        self.attempts: list[Attempt] = []

    def plan(self, view: View) -> Plan:
        self.views.append(view)
        return self._plans[min(view.index, len(self._plans) - 1)]

    def learn(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
