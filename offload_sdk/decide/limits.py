"""The hard limits that stand before any weighing: signal, deadline, battery. What is weighed is the policy's."""

from __future__ import annotations

from dataclasses import dataclass

from offload_sdk._types import Estimate, Situation, Snapshot
from offload_sdk.decide.deadline import chance_in_time

__all__ = ["Limits", "least_energy", "within_limits", "within_signal"]


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

    def is_low(self, snapshot: Snapshot) -> bool:
        """Return whether the battery is too low for anything but the least energy."""
        charge = snapshot.battery_frac
        return snapshot.on_mains is False and charge is not None and charge < self.battery_threshold_frac

    def unmet(self, deadline_s: float) -> str:
        """Return in words that nothing keeps the deadline."""
        return f"; none keeps {deadline_s * 1e3:.0f} ms with {self.deadline_probability:.0%}, so the likeliest"


def within_limits(
    options: tuple[Estimate, ...], situation: Situation, limits: Limits
) -> tuple[tuple[Estimate, ...], str]:
    """Return the options that keep the limits, at least one, and in words what the limits did.

    A limit that no option keeps is dropped, and the words say so: every image gets its answer.
    """
    options, notes = within_signal(options, situation.snapshot, limits)
    if situation.deadline_s is not None:
        limit_s, least = situation.deadline_s, limits.deadline_probability
        safe = tuple(estimate for estimate in options if chance_in_time(estimate, limit_s) >= least)
        if safe:
            options = safe
        else:
            options = (max(options, key=lambda estimate: chance_in_time(estimate, limit_s)),)
            notes += limits.unmet(limit_s)
    options, note = least_energy(options, situation.snapshot, limits)
    return options, notes + note


def within_signal(
    options: tuple[Estimate, ...], snapshot: Snapshot, limits: Limits
) -> tuple[tuple[Estimate, ...], str]:
    """Return the options that the signal allows, at least one, and in words what it did."""
    signal_dbm = snapshot.signal_dbm
    if signal_dbm is None or signal_dbm >= limits.signal_threshold_dbm:
        return options, ""
    note = f"; signal {signal_dbm:.0f} dBm is below {limits.signal_threshold_dbm:.0f}"
    quiet = tuple(estimate for estimate in options if estimate.path == "local")
    return (quiet, note) if quiet else (options, note + ", but nothing else is open")


def least_energy(
    options: tuple[Estimate, ...], snapshot: Snapshot, limits: Limits
) -> tuple[tuple[Estimate, ...], str]:
    """Return the option of the least energy where the battery is low, else all; and in words what it did."""
    if not limits.is_low(snapshot):
        return options, ""
    note = (
        f"; battery {snapshot.battery_frac:.0%} is below {limits.battery_threshold_frac:.0%}, so the least energy"
    )
    frugal = [estimate for estimate in options if estimate.energy_j is not None]
    if len(frugal) < len(options):
        return options, note + " if it were known"
    return (min(frugal, key=lambda estimate: estimate.energy_j or 0.0),), note
