"""What more load than it can sustain does to the server: `python -m benchmarks.overload`.

A server for each scheduler, on cores of their own; only one is awake at a time. In each round it is first measured
what each sustains and how quick it is unloaded. Then requests arrive at random (Poisson) at `--load` times the
sustained rate, the same for each scheduler: a third of them from devices with an almost empty battery and six
unloaded latencies until their deadline, the others with 2 s. No one waits for an answer before sending, and times
count from when a request was due. From the end of the load on, requests at a third of the sustained rate tell how
soon the server is normal again: when the first of twenty in a row was due that were answered within 5 ms more than
twice the unloaded p95.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.overload.rounds import Round, Trial, hold
from benchmarks.server.cores import divide
from benchmarks.server.payloads import payloads
from benchmarks.server.stack import Unavailable
from server_stub.scheduling import DEFAULT_SCHEDULER


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.overload", description=__doc__)
    parser.add_argument("--model", default="efficientnet_lite0", help="catalogue name or path of a .tflite")
    parser.add_argument("--server-cores", type=int, help="default: all but one, which sends the load")
    parser.add_argument("--scheduler", action="append", help="several times; default: the server's, and fcfs")
    parser.add_argument("--load", type=float, default=2.0, help="times the sustainable one")
    parser.add_argument("--seconds", type=float, default=60.0, help="of load in each bout")
    parser.add_argument("--after-s", type=float, default=10.0, help="seconds to look for the end of the queue")
    parser.add_argument("--pace-s", type=float, default=5.0, help="seconds to measure each server's own pace")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a round of 3 s: no figures to quote")
    parser.add_argument("--json", action="store_true", help="one object with every round instead of the table")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds, options.after_s, options.pace_s = 1, 3.0, 5.0, 1.0
    home = Path(tempfile.gettempdir()) / "offload-sdk-benchmarks"
    home.mkdir(exist_ok=True)
    trial = Trial(
        model=options.model,
        home=home,
        payloads=tuple(payloads()),
        cores=divide(options.server_cores),
        schedulers=tuple(options.scheduler or (DEFAULT_SCHEDULER, "fcfs")),
        load=options.load,
        load_s=options.seconds,
        after_s=options.after_s,
        pace_s=options.pace_s,
        rounds=options.rounds,
        seed=options.seed,
    )
    try:
        rounds = list(hold(trial, lambda step: print(step, file=sys.stderr)))
    except Unavailable as error:
        parser.exit(1, f"error: {error}\n")
    if options.json:
        print(json.dumps({"cores": asdict(trial.cores), "rounds": [asdict(each) for each in rounds]}))
        return
    print(f"{trial.cores}; medians of {trial.rounds} rounds (least to greatest), {trial.load_s:g} s of load each")
    for scheduler in trial.schedulers:
        print("\n".join(_lines(scheduler, rounds)))


def _lines(scheduler: str, rounds: Sequence[Round]) -> Iterator[str]:
    paces = [each.paces[scheduler] for each in rounds]
    bouts = [each.bouts[scheduler] for each in rounds]
    recoveries = [bout.recovery_s for bout in bouts if bout.recovery_s is not None]
    sustained, offered = _spread([each.per_s for each in paces]), _spread([each.offered_per_s for each in rounds])
    unloaded = _spread([1e3 * each.p50_s for each in paces], ".1f")
    memory = ", ".join(f"{bout.first_bytes / 1e6:.1f} / {bout.last_bytes / 1e6:.1f}" for bout in bouts)
    yield f"{scheduler}: sustains {sustained} a second, offered {offered}; unloaded p50 {unloaded} ms"
    for bout in bouts:
        yield f"  statuses               {bout.statuses}, of 503 with Retry-After {bout.retry_after_frac:.0%}"
    yield f"  in time: urgent        {_spread([bout.urgent_frac for bout in bouts], '.1%')}"
    yield f"           patient       {_spread([bout.patient_frac for bout in bouts], '.1%')}"
    yield f"  MB first / last 1/4    {memory}"
    yield f"  normal again after     {_spread(recoveries, '.2f') + ' s' if recoveries else 'no round'}" + (
        f"; not within the test in {len(bouts) - len(recoveries)}" if len(recoveries) < len(bouts) else ""
    )
    yield f"  load's own delay, p99  {_spread([1e3 * bout.late_p99_s for bout in bouts], '.1f')} ms"


def _spread(values: Sequence[float], form: str = ".0f") -> str:
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


if __name__ == "__main__":
    # As Ctrl-C does: a server that sleeps would outlive this process for ever.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    main()
