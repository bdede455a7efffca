"""What a whole experiment came to, per target and run: the figures of `summary.json`. No arithmetic, no text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from offload_sdk._types import EnergySource, OptionPath
from offload_sdk.baseline.measurement import PayloadKind

__all__ = ["Run", "Series", "Summary", "Target"]

_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """All images once, one after the other.

    `total_s` is the sum of all latencies, failures included; `mean_s`, `p50_s` and `p95_s` are of the answered
    images. Of runs that were imported only `total_s`, `mean_s` and `cost_usd` are known.
    """

    total_s: float
    mean_s: float | None
    p50_s: float | None = None
    p95_s: float | None = None
    image_sd_s: float | None = None
    images: int | None = None
    failures: int = 0
    sent_bytes: int | None = None
    received_bytes: int | None = None
    energy_j: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The runs of one target in one form of upload, and their means with sample standard deviations over runs.

    A deviation needs two runs. `p50_s`, `p95_s` and `image_sd_s` are over the answered images of all runs.
    """

    payload: PayloadKind
    runs: tuple[Run, ...]
    mean_total_s: float | None
    sd_total_s: float | None
    mean_s: float | None
    sd_s: float | None
    mean_cost_usd: float | None
    mean_energy_j: float | None = None
    energy_source: EnergySource = "unknown"
    p50_s: float | None = None
    p95_s: float | None = None
    image_sd_s: float | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`platform` is the key of the price list by which money was counted, and `platform_assumed` that nobody said
    where the target runs. `original` is the upload of the file's own bytes, measured beside `series`."""

    name: str
    path: OptionPath
    series: Series
    original: Series | None = None
    url: str | None = None
    platform: str | None = None
    platform_assumed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """An experiment: `images` files of `image_bytes` in all. `machine` and `links` describe where it was made, a
    line each: what it was, and how it was found. `imported`: the runs were measured elsewhere."""

    targets: tuple[Target, ...]
    repeat: int
    images: int | None = None
    image_bytes: int | None = None
    machine: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    links: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    imported: bool = False
