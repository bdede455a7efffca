"""The policy `auto`: time, energy and money in one currency, hedged within a budget, under hard limits."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from offload_sdk._types import Decision, Estimate, Outcome, Situation
from offload_sdk.decide.budget import DuplicateBudget
from offload_sdk.decide.deadline import chance_in_time
from offload_sdk.decide.hedge import Hedge, best_hedge
from offload_sdk.decide.limits import Limits, least_energy, within_signal
from offload_sdk.decide.options import decision, describe, expected_latency_s, open_options

__all__ = ["Auto"]

_LEAST_CHARGE = 0.05  # bounds the price of energy on a nearly empty battery
_CURIOSITY = 0.5  # images that profit, about, from what an upload tells of the link


class _Course(NamedTuple):
    """One way to go: an option, alone or hedged, what it comes to in seconds, and P(it keeps the deadline)."""

    option: Estimate
    hedge: Hedge | None
    weight_s: float
    in_time: float


class Auto:
    """Minimise seconds + price · joules + price · dollars among what keeps the hard limits.

    The limits are those of `Limits`. On mains power, and where the supply is unknown, energy is free. On
    battery a joule costs `seconds_per_joule` / charge, so that it weighs the more the emptier the battery is.

    While both sides may be used, a remote option is weighed with the hedge that suits it best: the device
    starts too if there is no answer after a while, which may be at once or hardly ever. It is the two together
    that have to keep a deadline. Duplicated work has a price that a `DuplicateBudget` steers to
    `duplicates_frac` of the images. An upload is also worth what it tells: what the remote side would save
    where it is the better one, for the images that follow.
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
        limits, snapshot, deadline_s = self._limits, situation.snapshot, situation.deadline_s
        options, notes = within_signal(open_options(situation), snapshot, limits)
        spare = None
        if self._budget.allows_any and not limits.is_low(snapshot):
            spare = next((option for option in options if option.path == "local"), None)
        price = self._seconds_per_joule_now(options, situation)
        courses = [self._course(option, spare, price, situation) for option in options]
        if deadline_s is not None:
            safe = [course for course in courses if course.in_time >= limits.deadline_probability]
            if not safe:
                safe = [max(courses, key=lambda course: (course.in_time, -course.weight_s))]
                notes += limits.unmet(deadline_s)
            courses = safe
        if limits.is_low(snapshot):
            kept, note = least_energy(tuple(course.option for course in courses), snapshot, limits)
            courses = [course for course in courses if course.option in kept]
            notes += note
        chosen = min(courses, key=_weight_s)
        if len(courses) > 1:
            weights = "time and money" if price == 0.0 else f"time, money and energy at {price:.3f} s/J"
            shown = ", ".join(
                f"{option.option} {option.latency.mean_s * 1e3:.0f} ms → {weight_s * 1e3:.0f}"
                for option, _, weight_s, _ in courses
            )
            reason = f"least {weights}: {chosen.option.option}, of {shown} ms"
        else:
            only = "the only option" if len(situation.estimates) == 1 else "the only option within the limits"
            reason = f"{only}: {describe(chosen.option)}"
        hedge = chosen.hedge
        if hedge is None or spare is None:
            return decision("auto", chosen.option, reason + notes, situation)
        notes += f"; {spare.option} too after {hedge.after_s * 1e3:.0f} ms ({hedge.both:.0%} likely)"
        return decision("auto", chosen.option, reason + notes, situation, hedge=(spare.option, hedge.after_s))

    def learn(self, decision: Decision, outcomes: Iterable[Outcome]) -> None:
        """Take note of images and duplicates: each shows once, as what its answer, or its hedge, came to."""
        for outcome in outcomes:
            if outcome.error_kind == "cancelled":  # it goes on, and will be told of again
                continue
            if outcome.role == "answer":
                self._budget.image()
            elif outcome.role == "hedge":
                self._budget.duplicated()

    def _course(self, option: Estimate, spare: Estimate | None, price: float, situation: Situation) -> _Course:
        deadline_s = situation.deadline_s
        weight_s = self._seconds_per_usd * option.cost_usd + price * (option.energy_j or 0.0)
        if spare is None or option.path == "local":
            in_time = 1.0 if deadline_s is None else chance_in_time(option, deadline_s)
            return _Course(option, None, weight_s + expected_latency_s(option, situation), in_time)
        spare_s = self._seconds_per_usd * spare.cost_usd + price * (spare.energy_j or 0.0)
        both_s = spare_s + self._budget.price_s(spare.latency.mean_s - spare.parts_s.get("wait", 0.0))
        hedge = best_hedge(option, spare, both_s, deadline_s, self._limits.deadline_probability)
        # What an upload tells is worth nothing if it costs more than the time it saves.
        worth_s = max(hedge.gain_s - max(weight_s - spare_s, 0.0), 0.0)
        weight_s += hedge.mean_s + both_s * hedge.both - _CURIOSITY * worth_s
        return _Course(option, hedge, weight_s, hedge.in_time)

    def _seconds_per_joule_now(self, options: tuple[Estimate, ...], situation: Situation) -> float:
        snapshot = situation.snapshot
        if snapshot.on_mains is not False or snapshot.battery_frac is None:
            return 0.0
        if any(option.energy_j is None for option in options):
            return 0.0
        return self._seconds_per_joule / max(snapshot.battery_frac, _LEAST_CHARGE)


def _weight_s(course: _Course) -> float:
    return course.weight_s
