"""From played cases to rows: each trace, then families, all their images pooled. No printing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.policies.links import family
from benchmarks.prediction.cases import HINDSIGHT, PARTS, Played
from benchmarks.prediction.predictors import SDK
from benchmarks.prediction.score import Floats, Score, score
from benchmarks.prediction.watch import Way

__all__ = ["ALL", "SCALE", "STATIONARY_FAMILY", "Cell", "cells_of", "families_of"]

ALL, STATIONARY_FAMILY = "all", "stationary"
SCALE = "ewma"
_PREDICTED_SPLICED = "spliced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One predictor on one link (or family of links), payload and way, over all seeds.

    `pinball_ratio`: its loss over that of `SCALE` on the same images, at `SHARES`. `possible_ratio`: over that
    of hindsight, at the median. `part_errors`, of the SDK alone: median relative errors of `PARTS`.
    """

    link: str
    payload_bytes: int
    way: Way
    predictor: str
    score: Score
    pinball_ratio: tuple[float, ...]
    possible_ratio: float
    part_errors: tuple[float, ...] | None


def cells_of(played: Iterable[Played]) -> list[Cell]:
    """One cell for each trace, payload, way and predictor."""
    return _pooled((one.case.trace, one) for one in played)


def families_of(played: Iterable[Played]) -> list[Cell]:
    """The same by family; `all` are the recorded traces, neither spliced nor stationary."""
    keyed: list[tuple[str, Played]] = []
    for one in played:
        kind = family(one.case.trace)
        keyed.append((kind, one))
        if kind not in (_PREDICTED_SPLICED, STATIONARY_FAMILY):
            keyed.append((ALL, one))
    return _pooled(sorted(keyed, key=lambda pair: pair[0]))


def _pooled(keyed: Iterable[tuple[str, Played]]) -> list[Cell]:
    groups: dict[tuple[str, int, Way], list[Played]] = {}
    for name, one in keyed:
        groups.setdefault((name, one.case.payload_bytes, one.case.way), []).append(one)
    return [cell for key, group in groups.items() for cell in _cells(key, group)]


def _cells(key: tuple[str, int, Way], group: Sequence[Played]) -> list[Cell]:
    scores = {name: score(np.concatenate([one.rows[name] for one in group])) for name in group[0].rows}
    return [
        Cell(
            link=key[0],
            payload_bytes=key[1],
            way=key[2],
            predictor=name,
            score=own,
            pinball_ratio=tuple(
                mine / scale for mine, scale in zip(own.pinball_s, scores[SCALE].pinball_s, strict=True)
            ),
            possible_ratio=own.pinball_s[0] / scores[HINDSIGHT].pinball_s[0],
            part_errors=_part_errors([one.part_errors for one in group]) if name == SDK else None,
        )
        for name, own in scores.items()
    ]


def _part_errors(errors: Sequence[Floats]) -> tuple[float, ...] | None:
    rows = np.concatenate(errors)
    return tuple(float(np.median(rows[:, place])) for place in range(len(PARTS))) if len(rows) else None
