"""Recorded links from a folder of CSV files, whole or spliced from random segments. No arithmetic on them."""

from __future__ import annotations

import math
import random
from functools import cache
from pathlib import Path

from offload_sdk.testing import LinkTrace

__all__ = ["SPLICED", "default_folder", "family", "load", "names", "splice"]

SPLICED = "spliced"
_INDEX = "index"
_CONSTANT_S = 60.0


def default_folder() -> Path:
    """The traces that lie beside the checkout; they may not be there."""
    return Path(__file__).resolve().parents[3] / "shared" / "data" / "traces"


def names(folder: Path) -> tuple[str, ...]:
    """Every trace of the folder, sorted. `FileNotFoundError` if there is none."""
    found = tuple(sorted(path.stem for path in folder.glob("*.csv") if path.stem != _INDEX))
    if not found:
        raise FileNotFoundError(f"no trace (*.csv) in {folder}")
    return found


def family(name: str) -> str:
    """`wifi`, `lte`, `3g`, …: what stands before the first underscore."""
    return name.partition("_")[0]


@cache
def load(folder: Path, name: str) -> LinkTrace:
    """One trace; a single row is a link that stays as it is, told as a trace that ends so that it can be cut."""
    trace = LinkTrace.from_csv(folder / f"{name}.csv")
    return trace if math.isfinite(trace.duration_s) else trace.cut(0.0, _CONSTANT_S)


@cache
def splice(folder: Path, segment_s: float, length_s: float, seed: int) -> LinkTrace:
    """Segments of random traces from random places, one after the other; shorter traces are repeated."""
    rng = random.Random(f"{seed}/splice")
    known = names(folder)
    pieces: list[LinkTrace] = []
    for _ in range(max(round(length_s / segment_s), 1)):
        trace = load(folder, rng.choice(known))
        start_s = rng.uniform(0.0, max(trace.duration_s - segment_s, 0.0))
        pieces.append(trace.cut(start_s, start_s + segment_s))
    return LinkTrace.concatenate(*pieces)
