"""The policy `auto`: expected time, energy and money in one currency, under hard limits."""

from __future__ import annotations

from offload_sdk._types import Decision, Estimate, Situation
from offload_sdk.decide.deadline import chance_in_time
from offload_sdk.decide.options import decision, describe, expected_latency_s, open_options

__all__ = ["Auto"]

_LEAST_CHARGE = 0.05  # bounds the price of energy on a nearly empty battery


class Auto:
    """Minimise seconds + price · joules + price · dollars among the options that keep the hard limits.

    The limits are the device's side of what a context-aware scheduler of fog nodes demands of a request, its
    response time (15), battery (16) and signal (17):

    - time: with a deadline, only options that keep it with at least `deadline_probability` (15);
    - battery: below `battery_threshold_frac` the option of the least energy is taken (16);
    - signal: below `signal_threshold_dbm` nothing is sent (17).

    A limit that no option keeps is dropped, and the reason says so: every image gets its answer. On mains
    power, and where the supply is unknown, energy is free. On battery a joule costs
    `seconds_per_joule` / charge, so that it weighs the more the emptier the battery is.
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
        self._battery_threshold_frac = battery_threshold_frac
        self._signal_threshold_dbm = signal_threshold_dbm
        self._deadline_probability = deadline_probability

    def decide(self, situation: Situation) -> Decision:
        options, notes = self._within_limits(open_options(situation), situation)
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

    def _within_limits(
        self, options: tuple[Estimate, ...], situation: Situation
    ) -> tuple[tuple[Estimate, ...], str]:
        """Return the options that keep the limits and, in words, what the limits did."""
        snapshot = situation.snapshot
        notes = ""
        signal_dbm = snapshot.signal_dbm
        if signal_dbm is not None and signal_dbm < self._signal_threshold_dbm:
            quiet = tuple(estimate for estimate in options if estimate.path == "local")
            notes += f"; signal {signal_dbm:.0f} dBm is below {self._signal_threshold_dbm:.0f}"
            if quiet:
                options = quiet
            else:
                notes += ", but nothing else is open"
        if situation.deadline_s is not None:
            limit_s, least = situation.deadline_s, self._deadline_probability
            safe = tuple(estimate for estimate in options if chance_in_time(estimate, limit_s) >= least)
            if safe:
                options = safe
            else:
                options = (max(options, key=lambda estimate: chance_in_time(estimate, limit_s)),)
                notes += f"; none keeps {limit_s * 1e3:.0f} ms with {least:.0%}, so the likeliest"
        charge = snapshot.battery_frac
        if snapshot.on_mains is False and charge is not None and charge < self._battery_threshold_frac:
            frugal = [estimate for estimate in options if estimate.energy_j is not None]
            notes += f"; battery {charge:.0%} is below {self._battery_threshold_frac:.0%}, so the least energy"
            if len(frugal) == len(options):
                options = (min(frugal, key=lambda estimate: estimate.energy_j or 0.0),)
            else:
                notes += " if it were known"
        return options, notes
