"""Watching a policy at work: every decision, what it was made from, and what became of it. A wrapper."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from offload_sdk._types import Decision, Outcome, Situation
from offload_sdk.decide.wrapper import Wrapper
from offload_sdk.typing import Policy

__all__ = ["Decided", "Learned", "Traced", "log_event"]

_logger = logging.getLogger("offload_sdk.decide")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision and all that the policy had to go by."""

    situation: Situation
    decision: Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What became of a decision. Shadow runs are told apart from the answer, later."""

    decision: Decision
    outcomes: tuple[Outcome, ...]


def log_event(event: Decided | Learned) -> None:
    """Write an event to the logger `offload_sdk.decide`, level DEBUG."""
    match event:
        case Decided(decision=decision):
            _logger.debug("%s: %s", decision.policy, decision.reason)
        case Learned(decision=decision, outcomes=outcomes):
            shown = ", ".join(f"{o.option} {o.status} after {o.latency_s * 1e3:.0f} ms" for o in outcomes)
            _logger.debug("%s chose %s: %s", decision.policy, decision.chosen, shown or "nothing ran")


class Traced(Wrapper):
    """Hand every event to `sink`: the method `append` of a list, for example, or by default the log.

    The sink is called in the thread that classifies, before the image goes on, so it should be quick. Its first
    fault is logged, and none costs an image.
    """

    def __init__(self, policy: Policy, sink: Callable[[Decided | Learned], object] = log_event) -> None:
        super().__init__(policy)
        self._sink = sink
        self._faulty = False

    def decide(self, situation: Situation) -> Decision:
        decision = self._policy.decide(situation)
        self._tell(Decided(situation=situation, decision=decision))
        return decision

    def learn(self, decision: Decision, outcomes: Iterable[Outcome]) -> None:
        seen = tuple(outcomes)
        super().learn(decision, seen)
        self._tell(Learned(decision=decision, outcomes=seen))

    def _tell(self, event: Decided | Learned) -> None:
        try:
            self._sink(event)
        except Exception:
            if not self._faulty:
                _logger.exception("the sink of the trace failed; its further faults are not told")
            self._faulty = True
