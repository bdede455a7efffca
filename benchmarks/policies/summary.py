"""From runs to rows: quantiles, ratios to the oracle of the same cell, intervals over seeds. No printing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from benchmarks.policies.cells import ENERGY_ORACLE, ORACLE, Case, Tally
from benchmarks.policies.links import SPLICED, family

__all__ = ["Cell", "FamilyRow", "cells_of", "families_of", "half_width", "quantile", "total_of"]

# Student's t at 97.5 % by degrees of freedom; from 30 on the normal value is within 5 %.
_T975 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
_NORMAL = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One policy on one trace, board and payload, over all seeds. Shares are of images, but `probe_frac` of the
    bytes that uploading every image takes. `mean_ratio` and `p99_ratio` are to the oracle of latency,
    `energy_ratio` to that of energy. `mean_ratio_half` is half a 95 % interval (None: one seed)."""

    trace: str
    board_ms: float
    payload_bytes: int
    policy: str
    mean_ratio: float
    p99_ratio: float
    miss_frac: float
    duplicate_frac: float
    probe_frac: float
    explored_frac: float
    dropped_frac: float
    mean_ratio_half: float | None
    mean_s: float
    p50_s: float
    p95_s: float
    p99_s: float
    energy_j: float
    energy_ratio: float
    sent_bytes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyRow:
    """One policy on one board and payload, averaged over the traces of a family, each trace counting alike."""

    board_ms: float
    payload_bytes: int
    policy: str
    traces: int
    mean_ratio: float
    mean_ratio_half: float | None
    p99_ratio: float
    miss_frac: float
    duplicate_frac: float
    probe_frac: float
    dropped_frac: float
    mean_s: float
    p50_s: float
    p95_s: float
    p99_s: float
    energy_j: float
    energy_ratio: float
    sent_bytes: float
    worst_trace: str
    worst_mean_ratio: float


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile of sorted values, between neighbours by linear interpolation."""
    place = share * (len(values) - 1)
    below = math.floor(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])


def half_width(values: Sequence[float]) -> float | None:
    """Half of the 95 % interval of the mean of independent values."""
    count = len(values)
    if count < 2:
        return None
    factor = _T975[count - 2] if count - 2 < len(_T975) else _NORMAL
    return factor * stdev(values) / math.sqrt(count)


def cells_of(runs: Sequence[tuple[Case, Mapping[str, Tally]]]) -> list[Cell]:
    """Pool the seeds of each trace, board and payload; every ratio is to the same runs of an oracle."""
    groups: dict[tuple[str, float, int], list[Mapping[str, Tally]]] = {}
    for case, tallies in runs:
        groups.setdefault((case.trace, case.board_ms, case.payload_bytes), []).append(tallies)
    return [
        _cell(key, policy, *([tallies[name] for tallies in group] for name in (policy, ORACLE, ENERGY_ORACLE)))
        for key, group in groups.items()
        for policy in group[0]
    ]


def _cell(
    key: tuple[str, float, int], policy: str, own: list[Tally], oracle: list[Tally], energy_oracle: list[Tally]
) -> Cell:
    latencies = sorted(value for tally in own for value in tally.latencies_s)
    best = sorted(value for tally in oracle for value in tally.latencies_s)
    images = len(latencies)
    p99_s = quantile(latencies, 0.99)
    energy_j = _joules_per_image(own)
    least_j = _joules_per_image(energy_oracle)
    dropped = sum(tally.dropped for tally in own)
    return Cell(
        trace=key[0],
        board_ms=key[1],
        payload_bytes=key[2],
        policy=policy,
        mean_ratio=fmean(latencies) / fmean(best),
        mean_ratio_half=half_width([a.mean_s / b.mean_s for a, b in zip(own, oracle, strict=True)]),
        p99_ratio=p99_s / quantile(best, 0.99),
        miss_frac=sum(tally.misses for tally in own) / images,
        duplicate_frac=sum(tally.duplicates for tally in own) / images,
        probe_frac=sum(tally.probe_bytes for tally in own) / sum(tally.all_bytes for tally in own),
        explored_frac=sum(tally.explored for tally in own) / images,
        dropped_frac=dropped / (images + dropped),
        mean_s=fmean(latencies),
        p50_s=quantile(latencies, 0.5),
        p95_s=quantile(latencies, 0.95),
        p99_s=p99_s,
        energy_j=energy_j,
        energy_ratio=energy_j / least_j if least_j > 0.0 else math.nan,
        sent_bytes=sum(tally.sent_bytes for tally in own) / images,
    )


def _joules_per_image(tallies: Sequence[Tally]) -> float:
    return sum(tally.energy_j for tally in tallies) / sum(len(tally.latencies_s) for tally in tallies)


def families_of(cells: Sequence[Cell]) -> dict[str, list[FamilyRow]]:
    """Average over the traces of each family, and over all of them (`all`); by board, payload and policy."""
    groups: dict[str, dict[tuple[float, int, str], list[Cell]]] = {}
    for cell in cells:
        kinds = (SPLICED,) if cell.trace == SPLICED else ("all", family(cell.trace))
        for kind in kinds:
            key = (cell.board_ms, cell.payload_bytes, cell.policy)
            groups.setdefault(kind, {}).setdefault(key, []).append(cell)
    return {kind: [_row(key, group) for key, group in rows.items()] for kind, rows in groups.items()}


def total_of(families: Mapping[str, Sequence[FamilyRow]]) -> Sequence[FamilyRow]:
    """The rows over all traces."""
    return families[SPLICED] if SPLICED in families else families["all"]


def _row(key: tuple[float, int, str], cells: list[Cell]) -> FamilyRow:
    halves = [cell.mean_ratio_half for cell in cells if cell.mean_ratio_half is not None]
    worst = max(cells, key=lambda cell: cell.mean_ratio)

    def average(name: str) -> float:
        return fmean(getattr(cell, name) for cell in cells)

    return FamilyRow(
        board_ms=key[0],
        payload_bytes=key[1],
        policy=key[2],
        traces=len(cells),
        mean_ratio=average("mean_ratio"),
        # The traces are given, only the seeds vary: the error of a mean of independent means.
        mean_ratio_half=math.sqrt(sum(half * half for half in halves)) / len(cells) if halves else None,
        p99_ratio=average("p99_ratio"),
        miss_frac=average("miss_frac"),
        duplicate_frac=average("duplicate_frac"),
        probe_frac=average("probe_frac"),
        dropped_frac=average("dropped_frac"),
        mean_s=average("mean_s"),
        p50_s=average("p50_s"),
        p95_s=average("p95_s"),
        p99_s=average("p99_s"),
        energy_j=average("energy_j"),
        energy_ratio=average("energy_ratio"),
        sent_bytes=average("sent_bytes"),
        worst_trace=worst.trace,
        worst_mean_ratio=worst.mean_ratio,
    )
