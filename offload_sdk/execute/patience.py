"""How long an endpoint is waited for. Pure arithmetic over predictions; who waits is elsewhere."""

from __future__ import annotations

from offload_sdk._types import Estimate

__all__ = ["lingering_s", "patience_s"]

_LEAST_S = 0.3  # however fast the endpoint is predicted to be
_P90S = 3.0
_BEYOND_P90_S = 1.0
_LINGER_S = 1.0


def patience_s(
    expected: Estimate, spare: Estimate | None, spent_s: float, deadline_s: float | None, timeout_s: float
) -> float:
    """Return how long an attempt at an endpoint may take, `spent_s` seconds into the call.

    Where another option stands ready (`spare`), patience ends at three times the predicted p90, but at most a
    second beyond it, plus what the spare takes; and early enough for the spare to keep the deadline, if it can
    keep it at all. Nothing is waited for longer than `timeout_s`.
    """
    limit_s = timeout_s
    if spare is not None:
        p90_s = expected.latency_p90_s
        limit_s = min(limit_s, max(_LEAST_S, min(_P90S * p90_s, p90_s + _BEYOND_P90_S) + spare.latency_mean_s))
    if deadline_s is not None:
        left_s = deadline_s - spent_s
        if spare is not None and spare.latency_p90_s < left_s:
            left_s -= spare.latency_p90_s
        limit_s = min(limit_s, left_s)
    return limit_s


def lingering_s(expected: Estimate, spare: Estimate, timeout_s: float) -> float:
    """Return how long an attempt at an endpoint may take in a hedge, where it holds up nobody.

    The usual patience, and at least a second: cutting a slow exchange short would close its connection, so that
    the next image pays for a handshake, and lose the measurement. Deadlines do not matter: `spare` runs besides.
    """
    return max(patience_s(expected, spare, 0.0, None, timeout_s), min(_LINGER_S, timeout_s))
