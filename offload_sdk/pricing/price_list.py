"""The price list as it is in force: its figures and the platforms made of them. Reads no file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from offload_sdk.pricing.figure import Figure
from offload_sdk.pricing.platform import Platform

__all__ = ["PriceList", "platform_for", "platforms", "shipped_prices"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceList:
    """`aliases` are other names of platforms, `t3-medium` for `ec2` for example."""

    figures: Mapping[str, Figure]
    platforms: Mapping[str, Platform]
    aliases: Mapping[str, str]

    def value(self, figure: str) -> float:
        return self.figures[figure].value

    def platform_for(self, target_name: str) -> Platform | None:
        """Return the platform of this name or alias; case does not matter, and `_`, `.` and blanks are as `-`."""
        name = re.sub(r"[\s._-]+", "-", target_name.strip().lower())
        return self.platforms.get(self.aliases.get(name, name))


@lru_cache(maxsize=1)
def shipped_prices() -> PriceList:
    """Return the list prices that come with the package."""
    from offload_sdk.pricing.price_file import read_shipped  # loads pydantic

    return read_shipped()


def platforms() -> Mapping[str, Platform]:
    """Return all platforms of the shipped price list by name, cheapest kinds of the same machine side by side."""
    return shipped_prices().platforms


def platform_for(target_name: str) -> Platform | None:
    """Return the platform that a target's name stands for (`fargate`, `ec2`, `fargate-spot`, …), else None."""
    return shipped_prices().platform_for(target_name)
