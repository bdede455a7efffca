"""Running the other side too, on a share of images, for an unbiased comparison. A wrapper around any policy."""

from __future__ import annotations

import random
from dataclasses import replace

from offload_sdk._types import Decision, Situation
from offload_sdk.decide.wrapper import Wrapper
from offload_sdk.typing import Policy

__all__ = ["Shadowed"]


class Shadowed(Wrapper):
    """With probability `rate`, mark every open option that the policy did not choose to be run besides.

    The coin is tossed apart from the decision, so the shadowed images are a random sample of all images, and
    the comparison over them is free of the policy's choice. The answer itself is not touched.
    """

    def __init__(self, policy: Policy, rate: float, rng: random.Random) -> None:
        super().__init__(policy)
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
