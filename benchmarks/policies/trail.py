"""What the SDK expected, what was true and what it did, image by image. Nothing is drawn here."""

from __future__ import annotations

import math
from dataclasses import dataclass

from benchmarks.policies.cells import Case, profile_of, scene_of, sdk_of
from benchmarks.policies.contender import Plan, Truth, View
from benchmarks.policies.engine import simulate
from benchmarks.policies.scene import Scene
from benchmarks.policies.sdk import Sdk
from offload_sdk._types import Latency, OptionPath

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
    """The SDK, with every plan noted beside the truth."""

    noted: dict[int, tuple[dict[OptionPath, Band], Truth, Plan]]

    def plan(self, view: View) -> Plan:
        truth = view.truth()
        plan = super().plan(view)
        decision, _ = self._open[view.index]
        bands = {estimate.path: _band(estimate.latency) for estimate in decision.predicted.values()}
        self.noted[view.index] = (bands, truth, plan)
        return plan


def follow(case: Case) -> tuple[Scene, list[Step]]:
    """Run `auto` over the case; return its scene and a step for each image that got an answer, in their order."""
    scene, profile = scene_of(case), profile_of(case.board_ms)
    contender = sdk_of(_Followed, scene, profile)
    contender.noted = {}
    run = simulate(scene, contender, profile)
    steps: list[Step] = []
    for answer in sorted(run.answers, key=lambda answer: answer.index):
        bands, truth, plan = contender.noted[answer.index]
        steps.append(
            Step(
                started_s=answer.started_s,
                expected=bands,
                truth=truth,
                first=plan.first,
                path=answer.path,
                duplicate=answer.duplicate,
            )
        )
    return scene, steps


def _band(latency: Latency) -> Band:
    """The log-normal's quantiles lie about its median as equal ratios."""
    spread = latency.sd_s / latency.mean_s if latency.mean_s > 0.0 else 0.0
    median_s = latency.mean_s / math.sqrt(1.0 + spread * spread)
    return Band(mean_s=latency.mean_s, p10_s=median_s * median_s / latency.p90_s, p90_s=latency.p90_s)
