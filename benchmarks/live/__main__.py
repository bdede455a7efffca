"""The command: which devices run, what they are compared with, and how that is shown."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks.live.board import can_limit
from benchmarks.live.compare import compare, faults, lived
from benchmarks.live.course import course_of
from benchmarks.live.options import parser_of
from benchmarks.live.outage import outages, recovery
from benchmarks.live.rig import IDEAL, Entry, run_course
from benchmarks.live.table import comparison_rows, recovery_rows, render
from benchmarks.live.twin import twin_of
from benchmarks.policies.links import names
from benchmarks.results import Row, publish

_SEEDS = range(1, 11)


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit status: 0 if all bounds were kept."""
    parser = parser_of()
    options = parser.parse_args(arguments)
    if options.board == "limited" and not can_limit():
        parser.error("--board limited needs CPU control groups of version 1 that may be made, as root may")
    try:
        found, text, rows = _outage(options) if options.outage else _comparison(options)
    except FileNotFoundError as error:
        parser.error(f"{error}; give a folder with --traces, and names of files in it with --trace")
    if options.json:
        print(json.dumps(found))
        return 0 if all(row.kept is not False for row in rows) else 1
    print(f"board of {options.board_ms:g} ms ({options.board}), images of {options.payload / 1e3:g} KB\n")
    print(*text, "", sep="\n")
    return 0 if publish("live_outage" if options.outage else "live", rows) else 1


def _comparison(options: Namespace) -> tuple[dict[str, object], list[str], list[Row]]:
    course = course_of(
        options.traces,
        options.trace or names(options.traces),
        images=options.images,
        arrivals=options.arrivals,
        board_s=options.board_ms / 1e3,
        payload_bytes=options.payload,
        warm_s=options.warm_s,
        piece_s=options.piece_s,
        seed=options.seed,
    )
    policies = dict.fromkeys([*options.policies, "local"])  # the local times of the others are those of `local`
    entries = [*(Entry(name=p, policy=p) for p in policies), Entry(name="ideal", policy="remote", link=IDEAL)]
    finishes = run_course(course, entries, limited=options.board == "limited", seed=options.seed)
    twins = [twin_of(course, finishes["local"], finishes["ideal"], seed) for seed in _SEEDS]
    comparisons = [
        compare(
            policy,
            course,
            lived(finishes[policy]),
            [twin.run(policy) for twin in twins],
        )
        for policy in options.policies
    ]
    wrong = [fault for name, finish in finishes.items() for fault in faults(name, course, finish)]
    found = {"board": options.board, "comparisons": [asdict(c) for c in comparisons], "faults": wrong}
    return found, [*render(comparisons), *wrong], [*comparison_rows(comparisons), _fault_row(wrong)]


def _outage(options: Namespace) -> tuple[dict[str, object], list[str], list[Row]]:
    course, finishes = outages(
        options.board_ms / 1e3, options.payload, limited=options.board == "limited", seed=options.seed
    )
    recoveries = [recovery(kind, finish) for kind, finish in finishes.items()]
    wrong = [fault for name, finish in finishes.items() for fault in faults(name, course, finish)]
    found = {"board": options.board, "recoveries": [asdict(r) for r in recoveries], "faults": wrong}
    return found, wrong, [*(row for r in recoveries for row in recovery_rows(r)), _fault_row(wrong)]


def _fault_row(wrong: Sequence[str]) -> Row:
    return Row(
        name="images without an answer or with other than one row, threads left",
        value=len(wrong),
        unit="",
        bound=0.0,
    )


if __name__ == "__main__":
    sys.exit(main())
