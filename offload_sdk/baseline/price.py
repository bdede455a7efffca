"""What a run at a target costs: the platform's time by list price, and the device's own energy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from offload_sdk.baseline.targets import TargetSpec
from offload_sdk.errors import ConfigurationError
from offload_sdk.estimate.money import energy_cost_usd
from offload_sdk.pricing import Platform, platform_for, platforms, run_cost_usd

__all__ = ["Pricing", "parse_platforms", "pricing_of"]

_ASSUMED = "fargate"  # where the thesis ran its container: 0.5 vCPU, 1 GB


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """`platform` is None for this device. `assumed`: nobody said where the server runs."""

    platform: Platform | None = None
    assumed: bool = False
    usd_per_kwh: float = 0.0

    def cost(self, total_s: float, energy_j: float | None) -> float | None:
        """The money for a run of so many seconds, as if the platform had served it alone and nothing else.

        None where the device's energy has a price and is not known.
        """
        if energy_j is None and self.usd_per_kwh:
            return None
        own_usd = energy_cost_usd(energy_j, self.usd_per_kwh)
        return own_usd if self.platform is None else own_usd + run_cost_usd(self.platform, total_s)


def parse_platforms(texts: Sequence[str], names: Sequence[str]) -> dict[str, Platform]:
    """Read `--platform NAME=PLATFORM`. Raises `ConfigurationError`; `names` are the servers that may be named."""
    found = {}
    for text in texts:
        name, _, wanted = text.partition("=")
        if name not in names:
            known = ", ".join(names) or "none"
            raise ConfigurationError(f"--platform {text}: {name!r} is no server among the targets ({known})")
        platform = platform_for(wanted)
        if platform is None:
            raise ConfigurationError(
                f"--platform {text}: the price list knows no {wanted!r}; it knows {', '.join(platforms())}"
            )
        found[name] = platform
    return found


def pricing_of(spec: TargetSpec, named: Mapping[str, Platform], usd_per_kwh: float) -> Pricing:
    """Return how a target is priced: as it was named, else by its own name, else as the thesis's platform."""
    if spec.endpoint is None:
        return Pricing(usd_per_kwh=usd_per_kwh)
    platform = named.get(spec.name) or platform_for(spec.name)
    return Pricing(platform=platform or platforms()[_ASSUMED], assumed=platform is None, usd_per_kwh=usd_per_kwh)
