"""What every policy asks of a situation: which options are open, what each would cost, how to say so.

No choice is made here.
"""

from __future__ import annotations

from offload_sdk._types import Decision, Estimate, Situation

__all__ = ["decision", "describe", "expected_latency_s", "open_options", "unavailable_note"]


def open_options(situation: Situation) -> tuple[Estimate, ...]:
    """Return the options that may be chosen; all of them if every one is unavailable (something must run)."""
    unavailable = situation.unavailable
    if not unavailable:
        return situation.estimates
    left = tuple(estimate for estimate in situation.estimates if estimate.option not in unavailable)
    return left or situation.estimates


def expected_latency_s(estimate: Estimate, situation: Situation) -> float:
    """Return the mean time until an answer, the detour after a failure included.

    With probability 1 − p the option fails; then its p90 has been waited for, and the local path, if there is
    one, still has to run.
    """
    failure = 1.0 - estimate.success_probability
    if failure <= 0.0:
        return estimate.latency.mean_s
    local_s = next((other.latency.mean_s for other in situation.estimates if other.path == "local"), 0.0)
    return estimate.success_probability * estimate.latency.mean_s + failure * (estimate.latency.p90_s + local_s)


def decision(
    policy: str, chosen: Estimate, reason: str, situation: Situation, *, hedge: tuple[str, float] | None = None
) -> Decision:
    """Return the decision for `chosen` with every option's prediction and, in the reason, what was barred.

    `hedge` names the second option and says after how many seconds it starts.
    """
    second, second_after_s = hedge or (None, None)
    return Decision(
        chosen=chosen.option,
        path=chosen.path,
        policy=policy,
        reason=reason + unavailable_note(situation) if situation.unavailable else reason,
        predicted={estimate.option: estimate for estimate in situation.estimates},
        second=second,
        second_after_s=second_after_s,
    )


def unavailable_note(situation: Situation) -> str:
    return "".join(f"; {option} is out: {why}" for option, why in situation.unavailable.items())


def describe(estimate: Estimate) -> str:
    """Return an option's predicted time in words: `local 38 ms (p90 45)`."""
    latency = estimate.latency
    return f"{estimate.option} {latency.mean_s * 1e3:.0f} ms (p90 {latency.p90_s * 1e3:.0f})"
