"""The command: which cases to run, on both cores, and how to show them. No arithmetic on results."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import get_args

from benchmarks.policies.links import SPLICED, default_folder, names
from benchmarks.prediction.cases import Case, play
from benchmarks.prediction.links import STATIONARY
from benchmarks.prediction.picture import draw
from benchmarks.prediction.predictors import SDK
from benchmarks.prediction.score import SHARES
from benchmarks.prediction.summary import ALL, STATIONARY_FAMILY, Cell, cells_of, families_of
from benchmarks.prediction.table import render
from benchmarks.prediction.watch import Way
from benchmarks.results import Row, publish

_SPLICED_RUNS, _SPLICED_IMAGES_FACTOR = 8, 2  # ten minutes, as long as what is spliced
_MOST_ERROR, _MOST_STATIONARY_ERROR = 0.10, 0.022
_P90, _MOST_OFF = SHARES.index(0.9), 0.02


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        cases = _cases(options)
    except FileNotFoundError as error:
        parser.error(f"{error}; give a folder with --traces")
    if min(options.workers, len(cases)) == 1:
        played = [play(case) for case in cases]
    else:
        with ProcessPoolExecutor(options.workers) as pool:
            played = list(pool.map(play, cases))
    families = families_of(played)
    if options.picture:
        shown = (options.payloads[0], options.ways[0])
        draw([cell for cell in families if (cell.payload_bytes, cell.way) == shown], options.picture)
    if options.json:
        cells, rows = ([asdict(cell) for cell in group] for group in (cells_of(played), families))
        settings = {
            name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()
        }
        print(json.dumps({"settings": settings, "shares": SHARES, "cells": cells, "families": rows}))
    else:
        print(render(families), end="\n\n")
        publish("prediction", promises(families))


def promises(families: Sequence[Cell]) -> list[Row]:
    """The SDK's figures where every image is sent one at a time, and what they must hold."""
    rows = []
    for cell in families:
        if cell.predictor != SDK or cell.way != "closed" or cell.link not in (ALL, SPLICED, STATIONARY_FAMILY):
            continue
        what = f"{cell.link}, {cell.payload_bytes / 1e3:g} KB"
        steady = cell.link == STATIONARY_FAMILY
        most = _MOST_STATIONARY_ERROR if steady else _MOST_ERROR
        rows.append(Row(name=f"{what}: median error", value=cell.score.error, unit="", bound=most))
        covered = cell.score.coverage[_P90]
        rows.append(
            Row(
                name=f"{what}: coverage of the p90, off from 90 %",
                value=abs(covered - SHARES[_P90]),
                unit="",
                bound=None if steady else _MOST_OFF,
                note=f"{covered:.1%}",
            )
        )
    return rows


def _cases(options: argparse.Namespace) -> list[Case]:
    links = [*names(options.traces), *(link.name for link in STATIONARY), SPLICED]
    return [
        Case(
            folder=options.traces,
            trace=trace,
            splice_s=options.splice,
            payload_bytes=payload_bytes,
            way=way,
            seed=seed,
            images=options.images * (_SPLICED_IMAGES_FACTOR if trace == SPLICED else 1),
            server_s=options.server_ms / 1e3,
        )
        for payload_bytes in options.payloads
        for way in options.ways
        for trace in links
        for seed in range(1, 1 + options.seeds * (_SPLICED_RUNS if trace == SPLICED else 1))
    ]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.prediction",
        description="How well the SDK foretells the remote time, beside simple rules, over recorded links.",
    )
    add = parser.add_argument
    add("--traces", type=Path, default=default_folder(), help="folder of t_s,uplink_mbps,rtt_ms,loss files")
    add("--payloads", type=_sizes, default=[15_000, 107_000], help="bytes of an image (default 15000,107000)")
    add("--ways", type=_ways, default=list(get_args(Way)), help="how the link is watched (default: all of them)")
    add(
        "--splice", type=float, default=20.0, metavar="SECONDS", help="length of the spliced segments (default 20)"
    )
    add("--images", type=int, default=600, help="per run, spliced twice as many (default 600: five minutes)")
    add(
        "--seeds",
        type=int,
        default=1,
        help=f"runs of each trace, spliced {_SPLICED_RUNS} times as many (default 1)",
    )
    add("--server-ms", type=float, default=12.0, help="time of the server for an image (default 12)")
    add("--workers", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    add("--picture", type=Path, metavar="FILE", help="draw PIT histograms of the first payload and way")
    add("--json", action="store_true", help="print one JSON object instead of the tables")
    return parser


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _ways(text: str) -> list[Way]:
    known: dict[str, Way] = {way: way for way in get_args(Way)}
    try:
        return [known[part] for part in text.split(",")]
    except KeyError as error:
        raise argparse.ArgumentTypeError(f"{error} is none of {', '.join(known)}") from None


if __name__ == "__main__":
    main()
