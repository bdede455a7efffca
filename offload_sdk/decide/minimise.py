"""The policies that minimise one quantity: time, energy or money."""

from __future__ import annotations

from collections.abc import Callable

from offload_sdk._types import Decision, Estimate, Situation
from offload_sdk.decide.options import decision, describe, expected_latency_s, open_options

__all__ = ["Minimise", "Objective", "by_cost", "by_energy", "by_latency"]

Objective = Callable[[Estimate, Situation], "float | None"]
"""What to minimise; None where it is unknown for this option."""


def by_latency(estimate: Estimate, situation: Situation) -> float | None:
    """Seconds until an answer, failures included."""
    return expected_latency_s(estimate, situation)


def by_energy(estimate: Estimate, situation: Situation) -> float | None:
    """Joules on the device."""
    return estimate.energy_j


def by_cost(estimate: Estimate, situation: Situation) -> float | None:
    """US dollars."""
    return estimate.cost_usd


class Minimise:
    """Take the open option with the least of one quantity; among equals the fastest.

    Where the quantity is unknown for any open option the comparison would be a guess: then time decides, and
    the reason says so. `show` renders the quantity for the reason.
    """

    def __init__(self, name: str, objective: Objective, show: Callable[[float], str]) -> None:
        self._name = name
        self._objective = objective
        self._show = show

    def decide(self, situation: Situation) -> Decision:
        options = open_options(situation)
        best: Estimate | None = None
        best_rank = (0.0, 0.0)
        shown: list[str] = []
        known = True
        for estimate in options:
            value = self._objective(estimate, situation)
            if value is None:
                known = False
                break
            rank = (value, expected_latency_s(estimate, situation))
            shown.append(f"{estimate.option} {self._show(value)}")
            if best is None or rank < best_rank:
                best, best_rank = estimate, rank
        if best is not None and known:
            reason = f"least {self._name}: {best.option}, of " + ", ".join(shown)
            return decision(self._name, best, reason, situation)
        chosen = min(options, key=lambda estimate: expected_latency_s(estimate, situation))
        reason = f"{self._name} is unknown for an option, so the fastest: " + ", ".join(map(describe, options))
        return decision(self._name, chosen, reason, situation)
