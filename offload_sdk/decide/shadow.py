"""Running the other side too, on a share of images, for an unbiased comparison. A wrapper around any policy."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

from offload_sdk._types import Decision, Outcome, Situation
from offload_sdk.typing import LearningPolicy, Policy

__all__ = ["Shadowed"]


class Shadowed:
    """With probability `rate`, mark every open option that the policy did not choose to be run besides.

    The coin is tossed apart from the decision, so the shadowed images are a random sample of all images, and
    the comparison over them is free of the policy's choice. The answer itself is not touched.
    """

    def __init__(self, policy: Policy, rate: float, rng: random.Random) -> None:
        self._policy = policy
        self._learner = policy if isinstance(policy, LearningPolicy) else None
        self._rate = rate
        self._rng = rng

    def decide(self, situation: Situation) -> Decision:
        decision = self._policy.decide(situation)
        if self._rng.random() >= self._rate:
            return decision
        others = tuple(
            estimate.option
            for estimate in situation.estimates
            if estimate.option != decision.chosen and estimate.option not in situation.unavailable
        )
        return replace(decision, shadow=others)

    def learn(self, decision: Decision, outcomes: Iterable[Outcome]) -> None:
        if self._learner is not None:
            self._learner.learn(decision, outcomes)
