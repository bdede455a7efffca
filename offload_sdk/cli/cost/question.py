"""What the user asked, and its answer, put together from the price list. Prints nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from offload_sdk.errors import ConfigurationError
from offload_sdk.pricing.cheapest import BreakPoint
from offload_sdk.pricing.compare import Offer, offers, platform_changes
from offload_sdk.pricing.load import Load, Operation, unit_capacity
from offload_sdk.pricing.month import Overheads
from offload_sdk.pricing.platform import Platform
from offload_sdk.pricing.price_list import PriceList
from offload_sdk.pricing.run import billed_s, run_cost_usd

__all__ = ["LOWEST_PER_S", "Answer", "Question", "RunCost", "ask", "chosen", "run_costs"]

LOWEST_PER_S = 1e-4
"""Nine images a day."""
MOST_UNITS = 200
"""Beyond so many of the smallest unit, cost goes with the rate, and the order of platforms hardly changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`candidates` are the platforms among which the cheapest is sought; `listed` are all that get a line."""

    load: Load
    operation: Operation
    overheads: Overheads
    prices: PriceList
    listed: tuple[Platform, ...]
    candidates: tuple[Platform, ...]

    @property
    def highest_per_s(self) -> float:
        """Up to here break points are sought."""
        return MOST_UNITS * min(unit_capacity(platform, self.load, self.operation) for platform in self.candidates)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`offers`: the cheapest first. `best`: the cheapest of the candidates. `changes`: where another would be."""

    question: Question
    offers: tuple[Offer, ...]
    best: Offer
    changes: tuple[BreakPoint, ...]


def ask(question: Question) -> Answer:
    asked = question.load, question.prices, question.operation, question.overheads
    found = offers(question.listed, *asked)
    names = {platform.name for platform in question.candidates}
    changes = platform_changes(
        question.candidates, *asked, low_per_s=LOWEST_PER_S, high_per_s=question.highest_per_s
    )
    best = next(offer for offer in found if offer.platform.name in names)
    return Answer(question=question, offers=tuple(found), best=best, changes=tuple(changes))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCost:
    """One run on one unit, computing only, as S0 counts."""

    platform: str
    title: str
    billed_s: float
    usd: float
    usd_per_1000_images: float


def run_costs(platforms: Sequence[Platform], seconds: float, images: int) -> list[RunCost]:
    """Return what a run of so many images costs on each platform, the cheapest first."""
    if not 0.0 < seconds < math.inf:
        raise ConfigurationError(f"a run lasts no {seconds:g} s")
    costs = [
        RunCost(
            platform=platform.name,
            title=platform.title,
            billed_s=billed_s(platform, seconds),
            usd=run_cost_usd(platform, seconds),
            usd_per_1000_images=1000.0 * run_cost_usd(platform, seconds) / images,
        )
        for platform in platforms
    ]
    return sorted(costs, key=lambda cost: cost.usd)


def chosen(prices: PriceList, names: Sequence[str], *, any_terms: bool) -> tuple[Platform, ...]:
    """Return the platforms to choose from: the named ones, else those that bind nobody and stay, else all."""
    if names:
        return tuple(_named(prices, name) for name in names)
    return tuple(platform for platform in prices.platforms.values() if any_terms or platform.terms == "on-demand")


def _named(prices: PriceList, name: str) -> Platform:
    found = prices.platform_for(name)
    if found is None:
        raise ConfigurationError(f"no platform {name!r}; there are {', '.join(prices.platforms)}")
    return found
