"""A month's bill of one platform under a load."""

from __future__ import annotations

from dataclasses import dataclass

from offload_sdk.pricing.bill import Bill, Line
from offload_sdk.pricing.load import Load, Operation, Running, running
from offload_sdk.pricing.overheads import overhead_lines
from offload_sdk.pricing.platform import Platform
from offload_sdk.pricing.price_list import PriceList

__all__ = ["Overheads", "monthly_bill"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheads:
    """Which of them are counted. Without a load balancer devices call the units' own addresses, as in S0."""

    counted: bool = True
    load_balancer: bool = True


def monthly_bill(
    platform: Platform,
    load: Load,
    prices: PriceList,
    *,
    operation: Operation | None = None,
    overheads: Overheads | None = None,
) -> Bill:
    """Return what a month of this load costs on this platform: computing by the hour, what a burstable instance
    uses above its baseline, and the overheads."""
    operation, overheads = operation or Operation(), overheads or Overheads()
    found = running(platform, load, operation)
    lines = [Line(name="computing", amount=found.unit_h, unit="h", usd_per_unit=platform.usd_per_h)]
    surplus_h = _surplus_vcpu_h(platform, load, found)
    if surplus_h > 0.0:
        price = platform.surplus_usd_per_vcpu_h
        lines.append(Line(name="CPU above baseline", amount=surplus_h, unit="vCPU-h", usd_per_unit=price))
    if overheads.counted:
        balanced = overheads.load_balancer
        lines += overhead_lines(platform, load, found, prices, load_balancer=balanced)
    return Bill(lines=tuple(lines))


def _surplus_vcpu_h(platform: Platform, load: Load, found: Running) -> float:
    """Return the vCPU-hours above the baseline. The cloud averages over 24 hours, and all days are alike here."""
    used_h = load.images_per_month * load.service_s / 3600.0
    return max(0.0, used_h - platform.baseline_frac * platform.vcpus * found.unit_h)
