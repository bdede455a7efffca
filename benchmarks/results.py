"""Printing a benchmark's rows and keeping them as JSON under `benchmarks/results/`. Measures nothing."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["RESULTS", "Row", "publish"]

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure; a `value` of None: there is none.

    `bound` is what it must not exceed (or, with `at_least`, must reach); None: no promise.
    """

    name: str
    value: float | None
    unit: str
    bound: float | None = None
    at_least: bool = False
    note: str = ""

    @property
    def kept(self) -> bool | None:
        if self.bound is None or self.value is None:
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound


def publish(name: str, rows: Iterable[Row], folder: Path = RESULTS) -> bool:
    """Print the table, write `NAME.json` into the folder, and return whether every promise was kept."""
    rows = tuple(rows)
    width = max(len(row.name) for row in rows)
    for row in rows:
        promise = ""
        if row.bound is not None:
            verdict = "kept" if row.kept else "BROKEN"
            promise = f"{'≥' if row.at_least else '≤'} {row.bound:g} {verdict}"
        value = "-" if row.value is None else f"{row.value:.3f}"
        print(f"{row.name:<{width}}  {value:>10} {row.unit:<6} {promise:<16} {row.note}".rstrip())
    folder.mkdir(exist_ok=True)
    document = {
        "benchmark": name,
        "wall_s": time.time(),
        "machine": {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()},
        "rows": [{**asdict(row), "kept": row.kept} for row in rows],
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document, indent=2) + "\n")
    print(f"written to {os.path.relpath(path)}")
    return all(row.kept is not False for row in rows)
