"""All platforms under the same load: what each costs a month, and from which rates on another is the cheapest."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from offload_sdk.pricing.bill import Bill
from offload_sdk.pricing.cheapest import BreakPoint, Curve, break_points
from offload_sdk.pricing.load import Load, Operation, Running, running, unit_capacity
from offload_sdk.pricing.month import Overheads, monthly_bill
from offload_sdk.pricing.platform import Platform
from offload_sdk.pricing.price_list import PriceList

__all__ = ["Offer", "cost_curve", "offers", "platform_changes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one platform would cost for a load, and what would run."""

    platform: Platform
    running: Running
    bill: Bill
    images_per_month: float

    @property
    def usd_per_month(self) -> float:
        return self.bill.total_usd

    @property
    def usd_per_1000_images(self) -> float:
        return 1000.0 * self.bill.total_usd / self.images_per_month


def offers(
    platforms: Iterable[Platform], load: Load, prices: PriceList, operation: Operation, overheads: Overheads
) -> list[Offer]:
    """Return an offer of each platform, the cheapest first."""
    found = [
        Offer(
            platform=platform,
            running=running(platform, load, operation),
            bill=monthly_bill(platform, load, prices, operation=operation, overheads=overheads),
            images_per_month=load.images_per_month,
        )
        for platform in platforms
    ]
    return sorted(found, key=lambda offer: offer.usd_per_month)


def cost_curve(
    platform: Platform, load: Load, prices: PriceList, operation: Operation, overheads: Overheads
) -> Callable[[float], float]:
    """Return the platform's monthly cost in USD as a function of the rate, all else as in `load`."""

    def usd(images_per_s: float) -> float:
        at_rate = replace(load, images_per_s=images_per_s)
        return monthly_bill(platform, at_rate, prices, operation=operation, overheads=overheads).total_usd

    return usd


def platform_changes(
    platforms: Iterable[Platform],
    load: Load,
    prices: PriceList,
    operation: Operation,
    overheads: Overheads,
    *,
    low_per_s: float,
    high_per_s: float,
) -> list[BreakPoint]:
    """Return the rates between the two at which another platform becomes the cheapest."""

    def steps(platform: Platform) -> list[float]:
        capacity = unit_capacity(platform, load, operation)
        return [capacity * units for units in range(1, int(high_per_s / capacity) + 1)]

    curves = {
        platform.name: Curve(usd=cost_curve(platform, load, prices, operation, overheads), steps=steps(platform))
        for platform in platforms
    }
    return break_points(curves, low_per_s, high_per_s)
