"""The command: which runs to play, on all cores, and how to show them. No arithmetic on results."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.fog.cells import cases_of, play
from benchmarks.fog.claims import Claim, claims_of
from benchmarks.fog.parameters import Parameters
from benchmarks.fog.summary import Results, Row, rows_of
from benchmarks.fog.table import render

_SEEDS, _QUICK_SEEDS = 10, 6
_QUICK_EVERY = 3  # of seven places on an axis: the first, the middle, the last
_QUICK_REQUESTS = 180


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.out:  # before minutes of work
        try:
            options.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"--out: {error}")
    base = Parameters()
    requests = options.requests or (_QUICK_REQUESTS if options.quick else base.requests)
    # The load stays the same, as the window is longer or shorter by as much.
    base = replace(base, requests=requests, window_s=base.window_s * requests / base.requests)
    seeds = options.seeds or (_QUICK_SEEDS if options.quick else _SEEDS)
    cases = cases_of(base, range(options.seed, options.seed + seeds), _QUICK_EVERY if options.quick else 1)
    if options.workers == 1:
        scores = [play(case) for case in cases]
    else:
        with ProcessPoolExecutor(options.workers) as pool:
            scores = list(pool.map(play, cases, chunksize=4))
    results = Results(zip(cases, scores, strict=True))
    rows, claims = rows_of(results), claims_of(results)
    print(json.dumps(_document(rows, claims)) if options.json else render(rows, claims))
    if options.out:
        _write(options.out, rows, claims)


def _document(rows: Sequence[Row], claims: Sequence[Claim]) -> dict[str, Any]:
    return {"rows": [asdict(row) for row in rows], "claims": [asdict(claim) for claim in claims]}


def _write(folder: Path, rows: Sequence[Row], claims: Sequence[Claim]) -> None:
    from benchmarks.fog.picture import draw_charts

    data = folder / "fog.json"
    data.write_text(json.dumps(_document(rows, claims), indent=1) + "\n")
    for path in (data, draw_charts(rows, folder / "fog.png")):
        print(f"written: {path}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fog",
        description="The server's schedulers in a simulated fog node: the paper's twelve charts and its claims.",
    )
    add = parser.add_argument
    add("--json", action="store_true", help="print one JSON object (rows, claims) instead of the tables")
    add(
        "--quick",
        action="store_true",
        help=f"three places on each axis, each third variation, {_QUICK_SEEDS} seeds, {_QUICK_REQUESTS} requests",
    )
    add("--out", type=Path, metavar="DIR", help="also write DIR/fog.json and DIR/fog.png")
    add("--seeds", type=_count, help=f"runs of each place (default {_SEEDS})")
    add("--seed", type=_count, default=1, help="the first of them, to see others than before (default 1)")
    add("--requests", type=_count, help="of a run, at the same load (default 450)")
    add("--workers", type=_count, default=os.cpu_count() or 1, help="processes (default: one a core)")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("it must be a whole number from 1")
    return int(text)


if __name__ == "__main__":
    main()
