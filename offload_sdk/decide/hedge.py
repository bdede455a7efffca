"""Hedging arithmetic: what becomes of a remote option if the device starts too, later. No choice of side.

After Dean and Barroso, "The Tail at Scale" (2013), where the second request waits for the 95th percentile;
here its start is the one of least expected cost.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import NamedTuple

from offload_sdk._types import Estimate

__all__ = ["Hedge", "best_hedge"]

_STARTS = (0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)  # probabilities of an answer before the device starts
_JUST_AFTER_S = 1e-4
_LAST = 2.0  # times the longest time considered: "hardly ever"


class Hedge(NamedTuple):
    """The device starts `after_s` after the decision unless the remote answer is there.

    `mean_s` is the expected time until the first answer, `both` the probability that the device begins to
    compute, `in_time` that of an answer within the deadline (1 without one). `gain_s` is the expected time
    that the remote side saves over the device alone where it is the quicker one: what is worth to be known.
    """

    after_s: float
    mean_s: float
    both: float
    in_time: float
    gain_s: float


def best_hedge(
    remote: Estimate, local: Estimate, price_s: float, deadline_s: float | None, least_in_time: float
) -> Hedge:
    """Return the start of the device that minimises E[time] + `price_s` · P(both).

    With a deadline only starts that keep it with `least_in_time` count, if any does; else the one that keeps it
    likeliest. A device that is busy with earlier images begins after those, and has duplicated nothing if the
    remote answer came before.
    """
    points = remote.latency.points()
    times = [time_s for time_s, _ in points]
    below = [0.0, *accumulate(weight for _, weight in points)]
    sums = [0.0, *accumulate(time_s * weight for time_s, weight in points)]
    total = below[-1]
    works = remote.success_probability
    wait_s = local.parts_s.get("wait", 0.0)
    compute_s = local.latency.mean_s - wait_s
    margin_s = local.latency.p90_s - wait_s if deadline_s is not None else compute_s
    alone_s = wait_s + compute_s
    gain_s = alone_s * below[(place := bisect_right(times, alone_s))] - sums[place]

    def hedge(after_s: float) -> Hedge:
        begins_s = after_s if after_s > wait_s else wait_s
        ends_s = begins_s + compute_s
        place = bisect_right(times, ends_s)
        mean_s = sums[place] + ends_s * (total - below[place])
        both = total - below[bisect_right(times, begins_s)]
        if works < 1.0:  # a failure is noticed when an answer would have come, at the latest at `begins_s`
            mean_s = works * mean_s + (1.0 - works) * (min(begins_s, sums[-1]) + compute_s)
            both *= works
        in_time = 1.0
        if deadline_s is not None and begins_s + margin_s > deadline_s:
            in_time = works * below[bisect_right(times, deadline_s)]
        return Hedge(after_s, mean_s, both, in_time, gain_s)

    starts = [0.0, times[-1] * _LAST]
    starts += [times[min(bisect_right(below, share * total), len(times)) - 1] + _JUST_AFTER_S for share in _STARTS]
    if deadline_s is not None and deadline_s > margin_s:
        starts.append(deadline_s - margin_s)
    hedges = [hedge(after_s) for after_s in starts]
    if deadline_s is not None:
        safe = [each for each in hedges if each.in_time >= least_in_time]
        if not safe:
            return max(hedges, key=lambda each: (each.in_time, -each.mean_s))
        hedges = safe
    return min(hedges, key=lambda each: each.mean_s + price_s * each.both)
