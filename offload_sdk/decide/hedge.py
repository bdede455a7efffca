"""Hedging arithmetic: what becomes of a remote option if the device starts too, later. No choice of side.

After Dean and Barroso, "The Tail at Scale" (2013), where the second request waits for the 95th percentile;
here its start is the one of least expected cost.
"""

from __future__ import annotations

from itertools import pairwise
from math import inf
from typing import NamedTuple

from offload_sdk._types import Estimate

__all__ = ["Hedge", "best_hedge"]

_LAST = 2.0  # times the longest time considered: "hardly ever"
_MARGIN = 1.000001  # on the device's time before a deadline, for what rounding takes away
_NEVER = (inf, 0.0)


class Hedge(NamedTuple):
    """The device starts `after_s` after the decision unless the remote answer is there.

    `mean_s` is the expected time until the first answer, `both` the probability that the device begins to
    compute though the remote answer will come, `in_time` that of an answer within the deadline (1 without
    one). `gain_s` is the expected time that the remote side saves over the device alone where it is the quicker
    one: what is worth to be known.
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

    A deadline brings the start forward until it is kept with `least_in_time`; if no start does that, the device
    starts at once. A device that is busy with earlier images begins after those, and has duplicated nothing if
    the remote answer came before.
    """
    works, failed_s = remote.success_probability, remote.latency.mean_s
    wait_s = local.parts_s.get("wait", 0.0)
    compute_s = local.latency.mean_s - wait_s
    points = remote.latency.points()
    starts = _starts(points, wait_s)
    late = 0.0
    if deadline_s is not None:
        late = 1.0 - works * remote.latency.probability_within(deadline_s)
        latest_s = max(_latest_start_s(local, wait_s, late, deadline_s, least_in_time), wait_s)
        if latest_s < starts[-1]:
            starts = [*(start_s for start_s in starts if start_s < latest_s), latest_s]
    # One sweep: as the start moves on, answers come before it, and before the end of what the device computes.
    before_start, before_end = iter(points), iter(points)
    (first_s, first), (last_s, last) = next(before_start), next(before_end)
    open_, done, done_s = 1.0, 0.0, 0.0
    gain_s = least_s = inf
    for begins_s in starts:
        while first_s <= begins_s:
            open_ -= first
            first_s, first = next(before_start, _NEVER)
        ends_s = begins_s + compute_s
        while last_s <= ends_s:
            done += last
            done_s += last_s * last
            last_s, last = next(before_end, _NEVER)
        mean_s = done_s + ends_s * (1.0 - done)
        if gain_s == inf:  # the first start is at once
            gain_s = works * (ends_s - mean_s)
        if works < 1.0:  # a failure is noticed when an answer would have come, at the latest as the device begins
            mean_s = works * mean_s + (1.0 - works) * (max(min(begins_s, failed_s), wait_s) + compute_s)
        both = works * max(open_, 0.0)
        cost_s = mean_s + price_s * both
        if cost_s < least_s:
            after_s, best_mean_s, best_both, least_s = begins_s, mean_s, both, cost_s
    in_time = 1.0
    if deadline_s is not None:
        left_s = deadline_s - (after_s - wait_s)
        in_time = 1.0 - late * (1.0 - local.success_probability * local.latency.probability_within(left_s))
    return Hedge(after_s if after_s > wait_s else 0.0, best_mean_s, best_both, in_time, gain_s)


def _starts(points: list[tuple[float, float]], wait_s: float) -> list[float]:
    """Return the starts worth a look, none before the device is free: at once, after each point, hardly ever.

    Between two points nothing but the device's own end moves, so any other start costs more than one of these.
    After a point means by half of the smaller gap beside it, about where the range ends that it stands for.
    """
    starts = [wait_s]
    times = [time_s for time_s, _ in points]
    gap_s = inf
    for time_s, next_s in pairwise(times):
        before_s, gap_s = gap_s, next_s - time_s
        start_s = time_s + 0.5 * (before_s if before_s < gap_s else gap_s)
        if start_s > wait_s:
            starts.append(start_s)
    starts.append(max(_LAST * times[-1], wait_s))
    return starts


def _latest_start_s(local: Estimate, wait_s: float, late: float, deadline_s: float, least_in_time: float) -> float:
    """Return the latest start that keeps the deadline; `late` is the probability that the remote side does not."""
    if late <= 1.0 - least_in_time:
        return inf
    needed = 1.0 - (1.0 - least_in_time) / late
    if needed >= local.success_probability:
        return -inf
    return deadline_s - (local.latency.quantile_s(needed / local.success_probability) - wait_s) * _MARGIN
