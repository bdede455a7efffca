"""One run of one option as the report counts it: made comparable, and set against its prediction. Pure."""

from __future__ import annotations

from offload_sdk._types import Estimate, Outcome, Record

__all__ = ["comparable_s", "is_answered", "prediction_of", "relative_error", "stayed_below_p90", "was_shadowed"]


def comparable_s(outcome: Outcome, record: Record) -> float:
    """Return the seconds that the run would have taken had it been the only one for its image.

    A picture is decoded once, whoever comes first. A run that used pixels another run had decoded gets the
    time of that decoding added, or the second path to run would look better than it is.
    """
    used_pixels = "preprocess" in outcome.timings or "encode" in outcome.timings
    if not used_pixels or "decode" in outcome.timings:
        return outcome.latency_s
    return outcome.latency_s + max(
        (other.timings["decode"] for other in record.outcomes if "decode" in other.timings), default=0.0
    )


def is_answered(outcome: Outcome) -> bool:
    """Whether the run's time is that of a whole answer."""
    return outcome.status == "success" and not outcome.censored


def was_shadowed(record: Record) -> bool:
    """Whether another path was run besides, for its measurement: such images were picked by chance alone."""
    return any(outcome.role == "shadow" for outcome in record.outcomes)


def prediction_of(outcome: Outcome, record: Record) -> Estimate | None:
    return record.decision.predicted.get(outcome.option)


def relative_error(outcome: Outcome, record: Record) -> float | None:
    """Return |predicted mean − actual| / actual; None without a whole answer or a prediction."""
    predicted = prediction_of(outcome, record)
    actual_s = comparable_s(outcome, record)
    if predicted is None or not is_answered(outcome) or actual_s <= 0.0:
        return None
    return abs(predicted.latency_mean_s - actual_s) / actual_s


def stayed_below_p90(outcome: Outcome, record: Record) -> bool | None:
    """Whether the run took no longer than its predicted p90; None where that cannot be known.

    A run that was given up has taken longer than it lasted: past the p90 it counts, before it tells nothing.
    """
    predicted = prediction_of(outcome, record)
    if predicted is None or outcome.status == "ignored":
        return None
    below = comparable_s(outcome, record) <= predicted.latency_p90_s
    if is_answered(outcome):
        return below
    return False if outcome.censored and not below else None
