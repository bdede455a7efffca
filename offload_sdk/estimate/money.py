"""Money of an image in US dollars: what one request adds to the bill. Nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from offload_sdk._types import Outcome

__all__ = ["Prices", "energy_cost_usd", "outcome_cost_usd", "request_cost_usd"]

_J_PER_KWH = 3.6e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """Prices of one endpoint. A server that is paid by the hour is charged by the time it computes."""

    usd_per_request: float = 0.0
    usd_per_server_hour: float = 0.0
    usd_per_gb: float = 0.0


def request_cost_usd(prices: Prices, server_s: float, transferred_bytes: float) -> float:
    """Return the money for one request of `server_s` seconds of computing and so many bytes (GB = 10⁹)."""
    return (
        prices.usd_per_request
        + prices.usd_per_server_hour * server_s / 3600.0
        + prices.usd_per_gb * transferred_bytes / 1e9
    )


def energy_cost_usd(energy_j: float | None, usd_per_kwh: float) -> float:
    """Return the money for the device's own energy; an unknown energy costs nothing that could be told."""
    return 0.0 if energy_j is None else energy_j * usd_per_kwh / _J_PER_KWH


def outcome_cost_usd(
    prices: Prices | None, outcome: Outcome, energy_j: float | None, usd_per_kwh: float = 0.0
) -> float:
    """Return what a finished outcome cost that took `energy_j`; `prices` is None for the local path."""
    cost_usd = energy_cost_usd(energy_j, usd_per_kwh)
    if prices is not None:
        transferred = outcome.sent_bytes + outcome.received_bytes
        cost_usd += request_cost_usd(prices, outcome.timings.get("server", 0.0), transferred)
    return cost_usd
