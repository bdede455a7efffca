"""The mobile technologies of the fleet planner's source and their mean rates. Measures nothing.

Its table gives no round trips, so whoever emulates one of these says which it takes.
"""

from __future__ import annotations

__all__ = ["LTE_RTT_MS", "RATES_MBPS"]

RATES_MBPS = {"2G": 40e-3, "3G": 1.0, "4G": 10.0, "5G": 120.0, "6G": 1000.0}
"""Mean rates of the source (2 Kbps of 1G left out: a photograph would take hours)."""

LTE_RTT_MS = 50.0
"""In the middle of the medians of seven LTE traces recorded by others: 33, 36, 40, 45, 50 (assumed), 79, 80."""
