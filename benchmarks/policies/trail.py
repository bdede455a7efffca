"""What the SDK expected, what was true and what it did, image by image. Nothing is drawn here."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.policies.cells import Case, profile_of, scene_of
from benchmarks.policies.contender import Truth, View
from benchmarks.policies.engine import simulate
from benchmarks.policies.scene import Scene
from benchmarks.policies.sdk import Sdk
from offload_sdk._types import Decision, ImageInfo, Latency, OptionPath

__all__ = ["Band", "Step", "follow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A prediction: its mean, and the times that 10 % and 90 % of the answers come below. In seconds."""

    mean_s: float
    p10_s: float
    p90_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One image: when it came, what either side was expected to take and would have taken, and what was done.

    `first` is where it started and `path` the side that answered. `duplicate`: both sides did work.
    """

    started_s: float
    expected: dict[OptionPath, Band]
    truth: Truth
    first: OptionPath
    path: OptionPath
    duplicate: bool


class _Followed(Sdk):
    """The SDK, with every decision noted beside the truth."""

    noted: dict[int, tuple[Decision, Truth]]

    def _decide(self, image: ImageInfo, view: View) -> Decision:
        decision = super()._decide(image, view)
        self.noted[view.index] = (decision, view.truth())
        return decision


def follow(case: Case) -> tuple[Scene, list[Step]]:
    """Run `auto` over the case; return its scene and a step for each image that got an answer, in their order."""
    scene, profile = scene_of(case), profile_of(case.board_ms)
    contender = _Followed(profile, scene.payload_bytes, scene.seed, duplicates_frac=scene.duplicates_frac)
    contender.noted = {}
    run = simulate(scene, contender, profile)
    steps: list[Step] = []
    for answer in sorted(run.answers, key=lambda answer: answer.index):
        decision, truth = contender.noted[answer.index]
        steps.append(
            Step(
                started_s=answer.started_s,
                expected={estimate.path: _band(estimate.latency) for estimate in decision.predicted.values()},
                truth=truth,
                first=decision.path,
                path=answer.path,
                duplicate=answer.duplicate,
            )
        )
    return scene, steps


def _band(latency: Latency) -> Band:
    return Band(mean_s=latency.mean_s, p10_s=latency.quantile_s(0.1), p90_s=latency.p90_s)
