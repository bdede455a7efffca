"""The command: which cases to run, on all cores, and how to show them. No arithmetic on results."""

from __future__ import annotations

import json
import math
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.policies.cells import Case, Tally, play
from benchmarks.policies.links import SPLICED, names
from benchmarks.policies.options import SEEDS, SPLICED_SEEDS, parser_of, world_of
from benchmarks.policies.summary import Cell, FamilyRow, cells_of, families_of, total_of
from benchmarks.policies.table import render
from offload_sdk.errors import ConfigurationError

_IMAGES = {"closed": 400, "open": 400, "periodic": 400, "bursts": 400, "camera": 2000}  # 200 seconds
_SPLICED_IMAGES_FACTOR = 3  # ten minutes, as long as what is spliced
_BUDGETS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)  # of the picture


def main(arguments: Sequence[str] | None = None) -> None:
    parser = parser_of()
    options = parser.parse_args(arguments)
    if options.server_load and options.server_workers is None:
        parser.error("--server-load needs --server-workers: with a worker for each image others take none away")
    if options.timeline and not options.pictures:
        parser.error("--timeline needs --pictures, the folder to write to")
    try:
        cases = _cases(options)
    except FileNotFoundError as error:
        parser.error(f"{error}; give a folder with --traces")
    try:
        if options.timeline:
            _draw_timelines(cases, options.pictures)
            return
        runs = _play(cases, options.workers)
    except ConfigurationError as error:  # a trace that cannot be read
        parser.error(str(error))
    cells = cells_of(runs)
    families = families_of(cells)
    print(json.dumps(document(options, cells, families)) if options.json else render(families))
    if options.pictures:
        from benchmarks.policies.frontier import draw_frontier

        kind = (
            f"{SPLICED}, {options.splice:g} s each" if options.splice else f"{len(names(options.traces))} traces"
        )
        heading = f"Latency against duplicated work ({kind}, arrivals {options.arrivals}; simulated)"
        _tell(draw_frontier(total_of(families), options.pictures, heading))


def document(
    options: Namespace, cells: Sequence[Cell], families: Mapping[str, Sequence[FamilyRow]]
) -> dict[str, Any]:
    """The object that `--json` prints; what is not a number is null."""
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    return {
        "settings": settings,
        "cells": [_plain(asdict(cell)) for cell in cells],
        "families": {name: [_plain(asdict(row)) for row in rows] for name, rows in families.items()},
    }


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in values.items()}


def _cases(options: Namespace) -> list[Case]:
    spliced = options.splice is not None
    images = options.images or _IMAGES[options.arrivals] * (_SPLICED_IMAGES_FACTOR if spliced else 1)
    seeds = options.seeds or (SPLICED_SEEDS if spliced else SEEDS)
    budgets = options.budgets if options.budgets is not None else _BUDGETS if options.pictures else ()
    known = names(options.traces)
    traces = (SPLICED,) if spliced else known
    if options.timeline:
        if options.timeline not in traces:
            raise FileNotFoundError(f"no trace {options.timeline} among {', '.join(traces)}")
        traces, seeds = (options.timeline,), 1
    return [
        Case(
            folder=options.traces,
            trace=trace,
            splice_s=options.splice,
            board_ms=board_ms,
            payload_bytes=payload_bytes,
            arrivals=options.arrivals,
            seed=seed,
            images=images,
            deadline_boards=options.deadline_boards,
            duplicates_frac=options.duplicates,
            budgets=tuple(budgets),
            world=world_of(options),
        )
        for trace in traces
        for board_ms in options.boards
        for payload_bytes in options.payloads
        for seed in range(options.seed, options.seed + seeds)
    ]


def _play(cases: Sequence[Case], workers: int) -> list[tuple[Case, Mapping[str, Tally]]]:
    if workers == 1 or len(cases) == 1:
        return [(case, play(case)) for case in cases]
    with ProcessPoolExecutor(min(workers, len(cases))) as pool:
        return list(zip(cases, pool.map(play, cases), strict=True))


def _draw_timelines(cases: Sequence[Case], folder: Path) -> None:
    from benchmarks.policies.timeline import draw_timeline
    from benchmarks.policies.trail import follow

    for case in cases:
        scene, steps = follow(case)
        board, payload = f"{case.board_ms:g} ms", f"{case.payload_bytes / 1e3:g} KB"
        heading = f"{case.trace}, {board} on the device, images of {payload}, {case.arrivals} (simulated)"
        name = f"timeline_{case.trace}_{board}_{payload}".replace(" ", "")
        _tell(draw_timeline(scene, steps, folder, name, heading))


def _tell(paths: Sequence[Path]) -> None:
    for path in paths:
        print(f"written: {path}", file=sys.stderr)


if __name__ == "__main__":
    main()
