"""A policy that can be overruled for one picture, to see the other path, or both. Weighs nothing itself."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from typing import Literal, get_args

from offload_sdk._types import Decision, Situation
from offload_sdk.decide import Fixed
from offload_sdk.decide.wrapper import Wrapper

__all__ = ["WAYS", "Steered", "Way", "way"]

Way = Literal["auto", "local", "remote", "both"]
WAYS: tuple[Way, ...] = get_args(Way)

way: ContextVar[Way] = ContextVar("way", default="auto")
"""How the picture that this context classifies is to go."""

_FIXED: dict[Way, Fixed] = {"local": Fixed("local"), "remote": Fixed("remote")}


class Steered(Wrapper):
    """`auto` leaves the choice to the policy inside; `local` and `remote` are taken as asked.

    With `both` the policy chooses, and the other open options run after the answer, each alone, so that neither
    time is longer for the other's sake: no hedge then.
    """

    def decide(self, situation: Situation) -> Decision:
        wanted = way.get()
        decision = _FIXED.get(wanted, self._policy).decide(situation)
        if wanted != "both":
            return decision
        others = tuple(
            estimate.option
            for estimate in situation.estimates
            if estimate.option != decision.chosen and estimate.option not in situation.unavailable
        )
        return replace(decision, shadow=others, second=None, second_after_s=None)
