"""The policy `deadline`: answer in time, and as cheaply as that allows."""

from __future__ import annotations

from offload_sdk._types import Decision, Estimate, Situation
from offload_sdk.decide.options import decision, describe, expected_latency_s, open_options

__all__ = ["MeetDeadline", "chance_in_time"]


def chance_in_time(estimate: Estimate, deadline_s: float) -> float:
    """Return P(the option answers, and within the deadline)."""
    return estimate.success_probability * estimate.latency.probability_within(deadline_s)


class MeetDeadline:
    """Among the options that answer in time with at least `probability`, the cheapest; else the likeliest.

    Cheapest is by money, then by energy (where known for all), then by time. Without a deadline the fastest
    option is taken.
    """

    def __init__(self, probability: float = 0.9) -> None:
        self._probability = probability

    def decide(self, situation: Situation) -> Decision:
        options = open_options(situation)
        deadline_s = situation.deadline_s
        if deadline_s is None:
            chosen = min(options, key=lambda estimate: expected_latency_s(estimate, situation))
            reason = f"no deadline is set, so the fastest: {describe(chosen)}"
            return decision("deadline", chosen, reason, situation)
        chances = {estimate.option: chance_in_time(estimate, deadline_s) for estimate in options}
        shown = ", ".join(f"{option} {chance:.0%}" for option, chance in chances.items())
        safe = [estimate for estimate in options if chances[estimate.option] >= self._probability]
        if not safe:
            chosen = max(options, key=lambda estimate: chances[estimate.option])
            reason = f"no option is safe for {deadline_s * 1e3:.0f} ms, so the likeliest: {shown}"
            return decision("deadline", chosen, reason, situation)
        energy_known = all(estimate.energy_j is not None for estimate in safe)

        def price(estimate: Estimate) -> tuple[float, float, float]:
            energy_j = estimate.energy_j if energy_known and estimate.energy_j is not None else 0.0
            return estimate.cost_usd, energy_j, expected_latency_s(estimate, situation)

        chosen = min(safe, key=price)
        reason = f"the cheapest that keeps {deadline_s * 1e3:.0f} ms: {chosen.option}; in time: {shown}"
        return decision("deadline", chosen, reason, situation)
