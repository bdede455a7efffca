"""What one run on one unit costs by list price, as S0 counts it: the unit runs while the images are sent."""

from __future__ import annotations

from offload_sdk.pricing.bill import Bill, Line
from offload_sdk.pricing.platform import Platform

__all__ = ["billed_s", "run_bill", "run_cost_usd"]

_S_PER_H = 3600.0


def billed_s(platform: Platform, seconds: float) -> float:
    """Return the seconds that are paid for a unit that ran so long. Nothing is paid for what never ran."""
    if not seconds >= 0.0:
        raise ValueError(f"a run lasts no {seconds} s")
    return max(seconds, platform.minimum_s) if seconds else 0.0


def run_bill(platform: Platform, seconds: float) -> Bill:
    """Return the bill for one unit that ran `seconds`: computing only, and at most its baseline's share of it."""
    hours = billed_s(platform, seconds) / _S_PER_H
    return Bill(lines=(Line(name=platform.title, amount=hours, unit="h", usd_per_unit=platform.usd_per_h),))


def run_cost_usd(platform: Platform, seconds: float) -> float:
    """Return the total of `run_bill`."""
    return run_bill(platform, seconds).total_usd
