"""Which links are tried, and what was found on each. No measuring."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.experiment.links import Link
from benchmarks.technologies import LTE_RTT_MS, RATES_MBPS

__all__ = ["ROUND_TRIP_CELLS", "TECHNOLOGY_CELLS", "Cell", "Findings", "Point", "all_cells"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A link by name. Uploads of whole files that take too long over it are made with one image of mean size."""

    name: str
    link: Link

    @property
    def is_slow(self) -> bool:
        return self.link.rate_mbps < 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Mean seconds an image over one link: as the SDK sends it, and the file as it is. `original_images` is how
    many the latter is the mean of. `server_s` is the least that the server told of the former: undisturbed."""

    cell: Cell
    sdk_s: float
    sdk_bytes: float
    server_s: float
    original_s: float
    original_images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """`local_s`: mean seconds of the same images on this machine; `image_bytes` their mean size."""

    points: tuple[Point, ...]
    local_s: float
    images: int
    image_bytes: float

    def of(self, cells: tuple[Cell, ...]) -> list[Point]:
        return [point for point in self.points if point.cell in cells]


ROUND_TRIP_CELLS = tuple(
    Cell(name=f"rtt-{rtt_ms:g}", link=Link(rate_mbps=RATES_MBPS["4G"], rtt_ms=rtt_ms))
    for rtt_ms in (10.0, 25.0, 50.0, 100.0, 150.0, 200.0, 300.0)
)
"""The rate of 4G with round trips to the cloud's regions, from the same town to the other side of the globe."""

TECHNOLOGY_CELLS = tuple(
    Cell(name=name, link=Link(rate_mbps=rate_mbps, rtt_ms=LTE_RTT_MS)) for name, rate_mbps in RATES_MBPS.items()
)
"""One round trip for all, so that the rate alone differs."""


def all_cells() -> tuple[Cell, ...]:
    return ROUND_TRIP_CELLS + TECHNOLOGY_CELLS
