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

_RISK = 0.5  # what a second is worth more in an answer that comes late …
_LATE = 1.25  # … in units of what the device alone would have taken
_LAST = 2.0  # times the longest time considered: "hardly ever"
_STEP, _GAP = 0.85, 1.3  # a start makes a difference if it leaves so few of those that wait, or they wait so long
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
    """Return the start of the device that minimises E[time] + risk + `price_s` · P(both).

    Seconds past a quarter more than the device alone would have taken weigh half as much again: the tail counts.

    A deadline brings the start forward until it is kept with `least_in_time`; if no start does that, the device
    starts at once. A device that is busy with earlier images begins after those, and has duplicated nothing if
    the remote answer came before.
    """
    works = remote.success_probability
    wait_s = local.parts_s.get("wait", 0.0)
    # A failure is noticed when an answer would have come, at the latest as the device begins.
    failed_s = max(remote.latency.mean_s, wait_s)
    compute_s = local.latency.mean_s - wait_s
    points = remote.latency.points()
    late, latest_s = 0.0, inf
    if deadline_s is not None:
        late = 1.0 - works * remote.latency.probability_within(deadline_s)
        latest_s = max(_latest_start_s(local, wait_s, late, deadline_s, least_in_time), wait_s)
    answers = iter(points)
    answer_s, share = next(answers)
    done, done_s = 0.0, 0.0  # P(an answer before the device is done), and its time times that
    gain_s = least_s = inf
    for begins_s, open_ in _starts(points, wait_s, latest_s):
        ends_s = begins_s + compute_s
        while answer_s <= ends_s:
            done += share
            done_s += answer_s * share
            answer_s, share = next(answers, _NEVER)
        mean_s = done_s + ends_s * (1.0 - done)
        if gain_s == inf:  # the first start is at once
            gain_s = works * (ends_s - mean_s)
        if works < 1.0:
            instead_s = (begins_s if begins_s < failed_s else failed_s) + compute_s
            mean_s = works * mean_s + (1.0 - works) * instead_s
        both = works * open_
        cost_s = mean_s + price_s * both
        if cost_s < least_s:
            after_s, best_mean_s, best_both, least_s = begins_s, mean_s, both, cost_s
    in_time = 1.0
    if deadline_s is not None:
        left_s = deadline_s - (after_s - wait_s)
        in_time = 1.0 - late * (1.0 - local.success_probability * local.latency.probability_within(left_s))
    return Hedge(after_s if after_s > wait_s else 0.0, best_mean_s, best_both, in_time, gain_s)


def _starts(points: list[tuple[float, float]], wait_s: float, latest_s: float) -> list[tuple[float, float]]:
    """Return the starts worth a look, ascending, each with P(no answer by then): at once, after each point that
    makes a difference, hardly ever; none before the device is free, none after the latest.

    Between two points nothing but the device's own end moves, so any other start costs more than one of these.
    After a point means by half of the smaller gap beside it, about where the range ends that it stands for.
    """
    open_ = 1.0
    if wait_s > 0.0:
        open_ -= sum(share for time_s, share in points if time_s <= wait_s)
    starts = [(wait_s, open_)]
    worth, before_s = _STEP * open_, 0.0
    for (time_s, share), (next_s, _) in pairwise(points):
        if time_s > wait_s:
            open_ -= share
            if open_ <= worth or next_s > _GAP * time_s:
                gap_s, next_gap_s = time_s - before_s, next_s - time_s
                start_s = time_s + 0.5 * (gap_s if gap_s < next_gap_s else next_gap_s)
                if start_s >= latest_s:
                    return [*starts, (latest_s, open_ if time_s <= latest_s else open_ + share)]
                starts.append((start_s, open_))
                worth = _STEP * open_
        before_s = time_s
    last_s = points[-1][0]
    if latest_s < _LAST * last_s:
        return [*starts, (latest_s, open_ if latest_s < last_s else 0.0)]
    return [*starts, (max(_LAST * last_s, wait_s), 0.0)]


def _latest_start_s(local: Estimate, wait_s: float, late: float, deadline_s: float, least_in_time: float) -> float:
    """Return the latest start that keeps the deadline; `late` is the probability that the remote side does not."""
    if late <= 1.0 - least_in_time:
        return inf
    needed = 1.0 - (1.0 - least_in_time) / late
    if needed >= local.success_probability:
        return -inf
    return deadline_s - (local.latency.quantile_s(needed / local.success_probability) - wait_s) * _MARGIN
