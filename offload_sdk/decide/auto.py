"""The policy `auto`: time, energy and money in one currency, hedged within a budget, under hard limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from offload_sdk._types import Decision, Outcome, Situation
from offload_sdk.decide.budget import DuplicateBudget
from offload_sdk.decide.hedge import Hedge, best_hedge
from offload_sdk.decide.limits import Limits, within_limits
from offload_sdk.decide.options import decision, describe, expected_latency_s, open_options

__all__ = ["Auto"]

_LEAST_CHARGE = 0.05  # bounds the price of energy on a nearly empty battery
_CURIOSITY = 0.5  # images that profit, about, from what an upload tells of the link


class Auto:
    """Minimise seconds + price · joules + price · dollars among what keeps the hard limits.

    The limits are those of `Limits`. On mains power, and where the supply is unknown, energy is free. On
    battery a joule costs `seconds_per_joule` / charge, so that it weighs the more the emptier the battery is.

    While both sides may be used, a remote option is weighed with the hedge that suits it best: the device
    starts too if there is no answer after a while, which may be at once or hardly ever. Duplicated work has a
    price that a `DuplicateBudget` steers to `duplicates_frac` of the images. An upload is also worth what it
    tells: the time that the remote side would save where it is quicker, for the images that follow.
    """

    def __init__(
        self,
        *,
        seconds_per_joule: float,
        seconds_per_usd: float,
        duplicates_frac: float,
        battery_threshold_frac: float,
        signal_threshold_dbm: float,
        deadline_probability: float,
    ) -> None:
        self._seconds_per_joule = seconds_per_joule
        self._seconds_per_usd = seconds_per_usd
        self._budget = DuplicateBudget(duplicates_frac)
        self._limits = Limits(
            battery_threshold_frac=battery_threshold_frac,
            signal_threshold_dbm=signal_threshold_dbm,
            deadline_probability=deadline_probability,
        )

    def decide(self, situation: Situation) -> Decision:
        self._budget.image()
        options, notes = within_limits(open_options(situation), situation, self._limits)
        if len(options) == 1:
            chosen = options[0]
            reason = "the only option" if not notes else "the only option within the limits"
            return decision("auto", chosen, f"{reason}: {describe(chosen)}{notes}", situation)
        price = self._seconds_per_joule_now(situation)
        if any(estimate.energy_j is None for estimate in options):
            price = 0.0
        local = next((estimate for estimate in options if estimate.path == "local"), None)
        spare = local if self._budget.allows_any else None
        chosen, hedge, least = options[0], None, float("inf")
        shown = ""
        for estimate in options:
            weight_s = self._seconds_per_usd * estimate.cost_usd + price * (estimate.energy_j or 0.0)
            mine: Hedge | None = None
            if estimate.path == "local" or spare is None:
                weight_s += expected_latency_s(estimate, situation)
            else:
                both_s = self._budget.price_s(spare.latency.mean_s - spare.parts_s.get("wait", 0.0))
                both_s += self._seconds_per_usd * spare.cost_usd + price * (spare.energy_j or 0.0)
                mine = best_hedge(estimate, spare, both_s, situation.deadline_s, self._limits.deadline_probability)
                weight_s += mine.mean_s + both_s * mine.both - _CURIOSITY * mine.gain_s
            shown = f"{shown}, {describe(estimate)} → {weight_s * 1e3:.0f}"
            if weight_s < least:
                chosen, hedge, least = estimate, mine, weight_s
        weights = "time and money" if price == 0.0 else f"time, money and energy at {price:.3f} s/J"
        reason = f"least {weights}: {chosen.option}, of {shown[2:]} ms{notes}"
        if hedge is None or spare is None:
            return decision("auto", chosen, reason, situation)
        reason = f"{reason}; {spare.option} too after {hedge.after_s * 1e3:.0f} ms ({hedge.both:.0%} likely)"
        found = decision("auto", chosen, reason, situation)
        return replace(found, second=spare.option, second_after_s=hedge.after_s)

    def learn(self, decision: Decision, outcomes: Iterable[Outcome]) -> None:
        """Take note of duplicates: each shows once, as what the second option came to, first or last."""
        for outcome in outcomes:
            if outcome.role == "hedge" and outcome.option == decision.second:
                self._budget.duplicated()

    def _seconds_per_joule_now(self, situation: Situation) -> float:
        snapshot = situation.snapshot
        if snapshot.on_mains is not False or snapshot.battery_frac is None:
            return 0.0
        return self._seconds_per_joule / max(snapshot.battery_frac, _LEAST_CHARGE)
