"""`python -m benchmarks.server`: reads the options, runs the comparison, prints it. No measuring here."""

from __future__ import annotations

import argparse
import json
import platform
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.results import Row, publish
from benchmarks.server.contest import Contest, Outcome, hold
from benchmarks.server.cores import Cores, divide
from benchmarks.server.payloads import payloads
from benchmarks.server.summary import lines, promises
from benchmarks.server.table import render
from benchmarks.server.turn import LOAD_FRAC, Plan


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__)
    parser.add_argument("--model", default="efficientnet_lite0", help="catalogue name or path of a .tflite")
    parser.add_argument("--server-cores", type=int, help="default: all but one, which sends the load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--phase-s", type=float, default=5.0, help="seconds of each of a turn's three parts")
    parser.add_argument("--alone", action="store_true", help="without the other servers")
    parser.add_argument("--seed", type=int, default=1, help="of the arrivals")
    parser.add_argument("--quick", action="store_true", help="two rounds of a second: no figures to quote")
    parser.add_argument("--json", action="store_true", help="one object instead of the table")
    options = parser.parse_args(arguments)
    cores = divide(options.server_cores)
    home = Path(tempfile.gettempdir()) / "offload-sdk-benchmarks"
    home.mkdir(exist_ok=True)
    contest = Contest(
        model=options.model,
        home=home,
        payloads=tuple(payloads()),
        cores=cores,
        plan=Plan(phase_s=1.0 if options.quick else options.phase_s, workers=cores.count),
        rounds=2 if options.quick else options.rounds,
        seed=options.seed,
        alone=options.alone,
    )
    found = hold(contest, lambda step: print(step, file=sys.stderr))
    rows = promises(found.entrants)
    if options.json:
        print(json.dumps(_document(contest, found, rows)))
        return
    sizes = ", ".join(f"{len(payload) / 1e3:.0f}" for payload in contest.payloads)
    print(f"{cores}; JPEG of {sizes} kB; medians of {contest.rounds} rounds, {contest.plan.phase_s:g} s a part")
    print(f"{contest.plan.connections} connections saturate; {LOAD_FRAC:.0%} load is Poisson, open loop")
    print("\n".join(render(lines(found.entrants), found.missing)))
    publish("server", rows)


def _document(contest: Contest, found: Outcome, rows: list[Row]) -> dict[str, object]:
    return {
        "machine": {"processor": platform.machine(), "python": platform.python_version()},
        "cores": _cores(contest.cores),
        "rounds": contest.rounds,
        "phase_s": contest.plan.phase_s,
        "payload_bytes": [len(payload) for payload in contest.payloads],
        "servers": [asdict(line) for line in lines(found.entrants)],
        "promises": [{**asdict(row), "kept": row.kept} for row in rows],
        "not_measured": found.missing,
    }


def _cores(cores: Cores) -> dict[str, object]:
    return {"server": cores.server, "load": cores.load, "workers": cores.count, "apart": cores.apart}


if __name__ == "__main__":
    # As Ctrl-C does: a server that sleeps would outlive this process for ever.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    main()
