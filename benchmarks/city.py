"""How well the planner's made-up city has the statistics of the real one: `python -m benchmarks.city`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from fleet_planner.generator import generate
from fleet_planner.network import network

__all__ = ["REAL", "Match", "matches"]

# Technology: share of the devices covered in percent, mean number of edge servers in range of a device.
REAL = {"2G": (97.6, 80.0), "3G": (94.7, 55.0), "4G": (92.2, 32.0), "5G": (69.4, 1.9), "6G": (42.0, 0.6)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One technology: the real city's figures and ours, a mean over seeds with its standard deviation."""

    technology: str
    covered_percent: float
    ours_percent: float
    sd_percent: float
    in_range: float
    ours_in_range: float
    sd_in_range: float


def matches(devices: int = 300, seeds: int = 20) -> list[Match]:
    """Draw cities of 100 edge servers and compare."""
    cities = [generate(devices, seed=seed) for seed in range(seeds)]
    found = []
    for technology, (covered_percent, in_range) in REAL.items():
        counts = [network(city, technology).in_range for city in cities]
        percent = [100.0 * np.count_nonzero(count) / devices for count in counts]
        means = [float(count.mean()) for count in counts]
        found.append(
            Match(
                technology=technology,
                covered_percent=covered_percent,
                ours_percent=float(np.mean(percent)),
                sd_percent=float(np.std(percent, ddof=1)),
                in_range=in_range,
                ours_in_range=float(np.mean(means)),
                sd_in_range=float(np.std(means, ddof=1)),
            )
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.city", description=__doc__)
    parser.add_argument("--devices", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    print("      covered (%): real, ours       edge servers in range: real, ours")
    for each in matches(options.devices, options.seeds):
        print(
            f"{each.technology}   {each.covered_percent:16.1f}  {each.ours_percent:5.1f} ± {each.sd_percent:3.1f}"
            f"   {each.in_range:24.1f}  {each.ours_in_range:5.2f} ± {each.sd_in_range:4.2f}"
        )


if __name__ == "__main__":
    main()
