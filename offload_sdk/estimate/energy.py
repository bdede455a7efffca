"""Energy of an image on the device, in joules above idle. Modelled from powers and times unless metered.

The powers come with the profile, each with its source; an unknown power gives an unknown energy (None).
"""

from __future__ import annotations

from offload_sdk._types import EnergySource, Outcome, Profile

__all__ = ["local_energy_j", "outcome_energy", "remote_energy_j"]

_PREPARE_STEPS = ("decode", "preprocess", "redact", "encode")


def local_energy_j(profile: Profile, prepare_s: float, infer_s: float) -> float | None:
    """Energy of preparing the picture on one core and of inferring on all the profile's threads."""
    if profile.cpu_active_w is None:
        return None
    return profile.cpu_active_w * (prepare_s / profile.threads + infer_s)


def remote_energy_j(profile: Profile, prepare_s: float, send_s: float, wait_s: float) -> float | None:
    """Energy of an upload: preparing it on one core, waking the radio, sending, and waiting for the answer."""
    tx_w, wait_w = profile.radio_tx_w, profile.radio_wait_w
    if profile.cpu_active_w is None or tx_w is None or wait_w is None:
        return None
    prepare_w = profile.cpu_active_w / profile.threads
    return prepare_w * prepare_s + (profile.radio_wake_j or 0.0) + tx_w * send_s + wait_w * wait_s


def outcome_energy(
    profile: Profile, outcome: Outcome, s_per_byte: float | None = None
) -> tuple[float | None, EnergySource]:
    """Return what a finished outcome took, from its own timings, and whether that is metered or modelled.

    `s_per_byte` (the link's) splits a remote exchange into sending and waiting.
    """
    timings = outcome.timings
    prepare_s = sum(timings.get(step, 0.0) for step in _PREPARE_STEPS)
    if outcome.path == "local":
        energy_j = local_energy_j(profile, prepare_s, timings.get("infer", 0.0))
    else:
        exchange_s = max(outcome.latency_s - prepare_s, 0.0)
        send_s = min(exchange_s, outcome.sent_bytes * (s_per_byte or 0.0))
        energy_j = remote_energy_j(profile, prepare_s, send_s, exchange_s - send_s)
    return energy_j, "unknown" if energy_j is None else profile.cpu_power_source
