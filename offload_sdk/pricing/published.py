"""The published costs of S0's runs beside what list prices give for the same runs. The gap is not explained."""

from __future__ import annotations

from dataclasses import dataclass

from offload_sdk.errors import ConfigurationError
from offload_sdk.pricing.price_list import PriceList
from offload_sdk.pricing.run import run_cost_usd

__all__ = ["PublishedRun", "published_runs"]

_PUBLISHED = {"fargate": (1819.48, 0.07), "ec2": (1734.55, 0.09)}
"""Mean seconds of the three runs of 600 images, and USD of a run, as published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedRun:
    """`explained_by_h`: hours that one unit must have been paid for in all to cost what was published."""

    platform: str
    total_s: float
    published_usd: float
    list_usd: float
    explained_by_h: float

    @property
    def factor(self) -> float:
        return self.published_usd / self.list_usd


def published_runs(prices: PriceList) -> list[PublishedRun]:
    """Return both platforms' published runs. Raises `ConfigurationError` where a price of one's own is nothing."""
    free = next((name for name in _PUBLISHED if not prices.platforms[name].usd_per_h), None)
    if free is not None:
        raise ConfigurationError(f"by these prices {free} costs nothing, so that no list price can be set beside")
    return [
        PublishedRun(
            platform=name,
            total_s=total_s,
            published_usd=usd,
            list_usd=run_cost_usd(prices.platforms[name], total_s),
            explained_by_h=usd / prices.platforms[name].usd_per_h,
        )
        for name, (total_s, usd) in _PUBLISHED.items()
    ]
