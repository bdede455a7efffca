"""The command: which cities to plan for, on all cores, and how to show them. No arithmetic on results."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from dataclasses import asdict
from functools import partial
from pathlib import Path

from benchmarks.fleet.published import Claim, claims_of
from benchmarks.fleet.runs import SIZES, Case, Run, cases_of, play
from benchmarks.fleet.summary import Results
from benchmarks.results import RESULTS, Row, publish
from offload_sdk.cli.progress import progress_bar

_SEEDS, _QUICK_SEEDS = 10, 1
_QUICK_TIES_LIMIT_S = 0.3


def main(arguments: Sequence[str] | None = None, playing: Callable[[Case], tuple[Run, ...]] = play) -> None:
    parser = _parser()
    options = parser.parse_args(arguments)
    from benchmarks.fleet.picture import draw  # what is missing is told before minutes of work

    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        parser.error(f"--out: {error}")
    seeds = range(options.seeds or (_QUICK_SEEDS if options.quick else _SEEDS))
    cases = cases_of(seeds)
    if options.quick:
        playing = partial(playing, ties_limit_s=_QUICK_TIES_LIMIT_S)
    results = Results(_play_all(cases, playing, options.workers))
    points, claims = results.points(), claims_of(results)
    unproven = sum(not run.proven for run in results)

    # With --json nothing but the object goes to standard output.
    with redirect_stdout(sys.stderr if options.json else sys.stdout):
        publish("fleet", [_row(claim) for claim in claims], folder=options.out)
        print(f"{len(seeds)} cities of each size; {unproven} of {2 * len(cases)} plans not proven optimal")
        print("written:", *draw(points, options.out))
    if options.json:
        document = {
            "seeds": len(seeds),
            "sizes": SIZES,
            "plans": 2 * len(cases),
            "unproven_plans": unproven,
            "points": [asdict(point) for point in points],
            "claims": [asdict(claim) for claim in claims],
        }
        print(json.dumps(document))


def _play_all(cases: Sequence[Case], playing: Callable[[Case], tuple[Run, ...]], workers: int) -> Iterator[Run]:
    with ProcessPoolExecutor(workers) as pool:
        played = pool.map(playing, cases) if workers > 1 else map(playing, cases)  # forks before the bar's thread
        with progress_bar("planning") as tell:
            for number, (case, runs) in enumerate(zip(cases, played, strict=True), 1):
                yield from runs
                tell(f"{case.scenario}, {case.devices} devices", number / len(cases))


def _row(claim: Claim) -> Row:
    verdict = "reproduced" if claim.reproduced else "NOT reproduced"
    published = f"published {claim.published:,g}"
    return Row(
        name=claim.claim,
        value=claim.ours,
        unit=claim.unit,
        note=f"{published:<19} {verdict:<15} {claim.rule}; {claim.note}",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fleet",
        description="The experiment of the planner's source on made-up cities, published figures beside ours.",
    )
    add = parser.add_argument
    add("--json", action="store_true", help="print one JSON object (points of the figures, claims)")
    add("--quick", action="store_true", help="one city of each size, a shorter look for ties")
    add("--seeds", type=_count, help=f"cities of each size (default {_SEEDS})")
    add(
        "--out",
        type=Path,
        metavar="DIR",
        default=RESULTS,
        help="pictures and figures (default benchmarks/results)",
    )
    add("--workers", type=_count, default=os.cpu_count() or 1, help="processes (default: one a core)")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("it must be a whole number from 1")
    return int(text)


if __name__ == "__main__":
    main()
