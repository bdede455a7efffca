"""Staying with an option until another is clearly better. A wrapper around any policy."""

from __future__ import annotations

from dataclasses import replace

from offload_sdk._types import Decision, Estimate, Situation
from offload_sdk.decide.wrapper import Wrapper
from offload_sdk.typing import Policy

__all__ = ["Hysteresis"]


class Hysteresis(Wrapper):
    """Show the policy the option in use as if it took `margin_frac` less time, energy and money than predicted.

    So whatever the policy minimises, it goes elsewhere only if that is better by the margin, and its limits and
    its propensity stay its own. The price of a steady choice is at most that margin an image. An option that was
    only tried (`explored`) does not count as in use.

    Raises `ValueError` for a margin outside 0..1.
    """

    def __init__(self, policy: Policy, margin_frac: float = 0.1) -> None:
        super().__init__(policy)
        if not 0.0 <= margin_frac < 1.0:
            raise ValueError(f"margin_frac must be at least 0 and below 1, not {margin_frac!r}")
        self._margin_frac = margin_frac
        self._in_use: str | None = None

    def decide(self, situation: Situation) -> Decision:
        in_use = self._in_use
        favoured = tuple(
            _cheaper(estimate, 1.0 - self._margin_frac) if estimate.option == in_use else estimate
            for estimate in situation.estimates
        )
        decision = self._policy.decide(replace(situation, estimates=favoured))
        if not decision.explored:
            self._in_use = decision.chosen
        if favoured == situation.estimates:
            return decision
        return replace(
            decision,
            reason=f"{decision.reason}; {in_use}, in use, is seen {self._margin_frac:.0%} lower than predicted",
            predicted={estimate.option: estimate for estimate in situation.estimates},
        )


def _cheaper(estimate: Estimate, factor: float) -> Estimate:
    return replace(
        estimate,
        latency=estimate.latency.times(factor),
        energy_j=None if estimate.energy_j is None else estimate.energy_j * factor,
        cost_usd=estimate.cost_usd * factor,
    )
