"""What all wrappers share: what is to be learned reaches the policy inside. No behaviour of its own."""

from __future__ import annotations

from collections.abc import Iterable

from offload_sdk._types import Decision, Outcome
from offload_sdk.typing import LearningPolicy, Policy

__all__ = ["Wrapper"]


class Wrapper:
    """Holds a policy and passes on what it has to learn, if it learns."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._learner = policy if isinstance(policy, LearningPolicy) else None

    def learn(self, decision: Decision, outcomes: Iterable[Outcome]) -> None:
        if self._learner is not None:
            self._learner.learn(decision, outcomes)
