"""The policy `auto`: expected time, energy and money in one currency, under hard limits."""

from __future__ import annotations

from offload_sdk._types import Decision, Estimate, Situation
from offload_sdk.decide.limits import Limits, within_limits
from offload_sdk.decide.options import decision, describe, expected_latency_s, open_options

__all__ = ["Auto"]

_LEAST_CHARGE = 0.05  # bounds the price of energy on a nearly empty battery


class Auto:
    """Minimise seconds + price · joules + price · dollars among the options that keep the hard limits.

    The limits are those of `Limits`. On mains power, and where the supply is unknown, energy is free. On
    battery a joule costs `seconds_per_joule` / charge, so that it weighs the more the emptier the battery is.
    """

    def __init__(
        self,
        *,
        seconds_per_joule: float,
        seconds_per_usd: float,
        battery_threshold_frac: float,
        signal_threshold_dbm: float,
        deadline_probability: float,
    ) -> None:
        self._seconds_per_joule = seconds_per_joule
        self._seconds_per_usd = seconds_per_usd
        self._limits = Limits(
            battery_threshold_frac=battery_threshold_frac,
            signal_threshold_dbm=signal_threshold_dbm,
            deadline_probability=deadline_probability,
        )

    def decide(self, situation: Situation) -> Decision:
        options, notes = within_limits(open_options(situation), situation, self._limits)
        price = self._seconds_per_joule_now(situation)
        if len(options) == 1:
            chosen = options[0]
            reason = "the only option" if not notes else "the only option within the limits"
            return decision("auto", chosen, f"{reason}: {describe(chosen)}{notes}", situation)
        if any(estimate.energy_j is None for estimate in options):
            price = 0.0
        chosen, least = options[0], self._weigh(options[0], situation, price)
        shown = f"{describe(chosen)} → {least * 1e3:.0f}"
        for estimate in options[1:]:
            weight = self._weigh(estimate, situation, price)
            shown = f"{shown}, {describe(estimate)} → {weight * 1e3:.0f}"
            if weight < least:
                chosen, least = estimate, weight
        weights = "time and money" if price == 0.0 else f"time, money and energy at {price:.3f} s/J"
        return decision("auto", chosen, f"least {weights}: {chosen.option}, of {shown} ms{notes}", situation)

    def _weigh(self, estimate: Estimate, situation: Situation, seconds_per_joule: float) -> float:
        weight_s = expected_latency_s(estimate, situation) + self._seconds_per_usd * estimate.cost_usd
        if seconds_per_joule and estimate.energy_j is not None:
            weight_s += seconds_per_joule * estimate.energy_j
        return weight_s

    def _seconds_per_joule_now(self, situation: Situation) -> float:
        snapshot = situation.snapshot
        if snapshot.on_mains is not False or snapshot.battery_frac is None:
            return 0.0
        return self._seconds_per_joule / max(snapshot.battery_frac, _LEAST_CHARGE)
