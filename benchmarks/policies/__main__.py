"""The command: which cases to run, on both cores, and how to print them. No arithmetic on results."""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from benchmarks.policies.cells import Case, Tally, play
from benchmarks.policies.links import SPLICED, default_folder, names
from benchmarks.policies.scene import Arrivals
from benchmarks.policies.summary import Cell, FamilyRow, cells_of, families_of
from benchmarks.policies.table import render

_IMAGES = {"closed": 600, "open": 600, "periodic": 600, "bursts": 600, "camera": 3000}  # five minutes
_SPLICED_IMAGES_FACTOR = 2  # ten minutes, as long as what is spliced
_SEEDS, _SPLICED_SEEDS = 3, 16


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        cases = _cases(options)
    except FileNotFoundError as error:
        parser.error(f"{error}; give a folder with --traces")
    workers = min(options.workers, len(cases))
    runs: list[tuple[Case, Mapping[str, Tally]]]
    if workers == 1:
        runs = [(case, play(case)) for case in cases]
    else:
        with ProcessPoolExecutor(workers) as pool:
            runs = list(zip(cases, pool.map(play, cases), strict=True))
    cells = cells_of(runs)
    families = families_of(cells)
    if options.json:
        print(json.dumps(document(options, cells, families)))
    else:
        print(render(families))


def document(
    options: argparse.Namespace, cells: Sequence[Cell], families: Mapping[str, Sequence[FamilyRow]]
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


def _cases(options: argparse.Namespace) -> list[Case]:
    spliced = options.splice is not None
    images = options.images or _IMAGES[options.arrivals] * (_SPLICED_IMAGES_FACTOR if spliced else 1)
    seeds = options.seeds or (_SPLICED_SEEDS if spliced else _SEEDS)
    known = names(options.traces)
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
            server_s=options.server_ms / 1e3,
            deadline_boards=options.deadline_boards,
            duplicates_frac=options.duplicates,
        )
        for trace in ((SPLICED,) if spliced else known)
        for board_ms in options.boards
        for payload_bytes in options.payloads
        for seed in range(options.seed, options.seed + seeds)
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.policies",
        description="The policies of the SDK beside published ones, over recorded links, in simulated time.",
    )
    add = parser.add_argument
    add("--traces", type=Path, default=default_folder(), help="folder of t_s,uplink_mbps,rtt_ms,loss files")
    add("--boards", type=_numbers, default=[119.0, 67.0], help="local times, ms (default 119,67)")
    add("--payloads", type=_sizes, default=[15_000, 107_000], help="bytes of an image (default 15000,107000)")
    add("--arrivals", choices=get_args(Arrivals), default="closed", help="how images come (default closed)")
    add("--splice", type=_positive, metavar="SECONDS", help="splice random segments of all traces, so long each")
    add("--seed", type=int, default=1, help="the first seed (default 1)")
    add("--seeds", type=_count, help=f"how many (default {_SEEDS}, spliced {_SPLICED_SEEDS})")
    add("--duplicates", type=float, default=0.1, help="the budget of duplicates for policies that take one")
    add("--server-ms", type=float, default=12.0, help="time of the server for an image (default 12)")
    add("--images", type=_count, help="per run (default: five minutes of them, ten when spliced)")
    add("--deadline-boards", type=_positive, default=2.0, help="deadline in local times (default 2); only counted")
    add("--workers", type=_count, default=os.cpu_count() or 1, help="processes (default: one a core)")
    add("--json", action="store_true", help="print one JSON object instead of the tables")
    return parser


def _positive(text: str) -> float:
    value = float(text)
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number from 1 up")
    return value


def _numbers(text: str) -> list[float]:
    return [_positive(part) for part in text.split(",")]


def _sizes(text: str) -> list[int]:
    return [_count(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
