"""Learning: what an outcome teaches the estimators and the policy. Pure; called after every image and probe."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from offload_sdk._types import Decision, ImageInfo, Outcome, Snapshot
from offload_sdk.typing import Estimator, LearningPolicy

__all__ = ["learn", "learn_probe"]


def learn(
    estimators: Mapping[str, Estimator],
    learner: LearningPolicy | None,
    decision: Decision,
    outcomes: Iterable[Outcome],
    image: ImageInfo,
    snapshot: Snapshot,
) -> None:
    """Teach each option's estimator its own outcomes, and the policy that learns, if there is one, all of them."""
    seen = tuple(outcomes)
    for outcome in seen:
        estimators[outcome.option].update(outcome, image, snapshot)
    if learner is not None:
        learner.learn(decision, seen)


def learn_probe(estimators: Mapping[str, Estimator], outcome: Outcome, snapshot: Snapshot) -> None:
    """Teach an estimator the outcome of a probe, which had no image."""
    estimators[outcome.option].update(outcome, None, snapshot)
