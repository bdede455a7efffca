"""How much is measured: the numbers of the full and of the quick calibration. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Plan", "Sampling", "thread_counts"]

Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Repeat until `budget_s` is over or `most` samples are taken, but take at least `least`."""

    least: int
    most: int
    budget_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`sizes` are width and height by format; the last JPEG size up to 2 megapixels also times preprocessing."""

    quick: bool
    sizes: Mapping[str, tuple[Size, ...]]
    picture: Sampling
    warm_up: Sampling
    infer: Sampling
    all_thread_counts: bool
    cold_pings: int
    pings: int
    upload_bytes: tuple[int, ...]
    uploads_per_size: int

    @property
    def notes(self) -> tuple[str, ...]:
        """What the profile's reader should know of how it came about."""
        notes = [
            "decoding, preprocessing and encoding are timed with a synthetic picture (seeded noise on gradients)"
        ]
        if self.quick:
            notes.append(
                "quick: fewer samples, no picture above 2 megapixels, thread counts 1, 2, 4 and all cores only, "
                "fewer pings and uploads"
            )
        return tuple(notes)


_VGA, _2MP, _8MP = (640, 480), (1600, 1200), (3264, 2448)

FULL = Plan(
    quick=False,
    sizes={
        "JPEG": (_VGA, _2MP, _8MP),
        "PNG": (_VGA, _2MP),
        "WEBP": (_VGA, _2MP),
        "RGB": (_VGA, _2MP, _8MP),
    },
    picture=Sampling(least=5, most=100, budget_s=1.5),
    warm_up=Sampling(least=3, most=20, budget_s=1.0),
    infer=Sampling(least=20, most=500, budget_s=6.0),
    all_thread_counts=True,
    cold_pings=5,
    pings=30,
    upload_bytes=(4096, 16384, 65536),
    uploads_per_size=6,
)

QUICK = Plan(
    quick=True,
    sizes={"JPEG": (_VGA, _2MP), "PNG": (_VGA, _2MP), "WEBP": (_VGA, _2MP), "RGB": (_VGA, _2MP)},
    picture=Sampling(least=3, most=40, budget_s=0.2),
    warm_up=Sampling(least=2, most=10, budget_s=0.2),
    infer=Sampling(least=8, most=200, budget_s=1.0),
    all_thread_counts=False,
    cold_pings=2,
    pings=10,
    upload_bytes=(4096, 32768),
    uploads_per_size=3,
)


def thread_counts(cores: int, *, every: bool) -> tuple[int, ...]:
    """Return the thread counts to try: up to four each one (or 1, 2, 4), then doubling, and all cores up to 16.

    A MobileNet has too little work for more than that, and each count takes seconds.
    """
    limit = min(cores, 16)
    counts = {1, 2, 4, 8, 16, limit} | ({3} if every else set())
    return tuple(sorted(n for n in counts if n <= limit))
