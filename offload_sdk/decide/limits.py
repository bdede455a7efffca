"""The hard limits that stand before any weighing: signal, deadline, battery. What is weighed is the policy's."""

from __future__ import annotations

from dataclasses import dataclass

from offload_sdk._types import Estimate, Situation
from offload_sdk.decide.deadline import chance_in_time

__all__ = ["Limits", "within_limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The device's side of what a context-aware scheduler of fog nodes demands of a request, its response time
    (15), battery (16) and signal (17):

    - time: with a deadline, only options that keep it with at least `deadline_probability` (15);
    - battery: below `battery_threshold_frac` the option of the least energy is taken (16);
    - signal: below `signal_threshold_dbm` nothing is sent (17).
    """

    battery_threshold_frac: float
    signal_threshold_dbm: float
    deadline_probability: float


def within_limits(
    options: tuple[Estimate, ...], situation: Situation, limits: Limits
) -> tuple[tuple[Estimate, ...], str]:
    """Return the options that keep the limits, at least one, and in words what the limits did.

    A limit that no option keeps is dropped, and the words say so: every image gets its answer.
    """
    snapshot = situation.snapshot
    notes = ""
    signal_dbm = snapshot.signal_dbm
    if signal_dbm is not None and signal_dbm < limits.signal_threshold_dbm:
        quiet = tuple(estimate for estimate in options if estimate.path == "local")
        notes += f"; signal {signal_dbm:.0f} dBm is below {limits.signal_threshold_dbm:.0f}"
        if quiet:
            options = quiet
        else:
            notes += ", but nothing else is open"
    if situation.deadline_s is not None:
        limit_s, least = situation.deadline_s, limits.deadline_probability
        safe = tuple(estimate for estimate in options if chance_in_time(estimate, limit_s) >= least)
        if safe:
            options = safe
        else:
            options = (max(options, key=lambda estimate: chance_in_time(estimate, limit_s)),)
            notes += f"; none keeps {limit_s * 1e3:.0f} ms with {least:.0%}, so the likeliest"
    charge = snapshot.battery_frac
    if snapshot.on_mains is False and charge is not None and charge < limits.battery_threshold_frac:
        frugal = [estimate for estimate in options if estimate.energy_j is not None]
        notes += f"; battery {charge:.0%} is below {limits.battery_threshold_frac:.0%}, so the least energy"
        if len(frugal) == len(options):
            options = (min(frugal, key=lambda estimate: estimate.energy_j or 0.0),)
        else:
            notes += " if it were known"
    return options, notes
