"""What planning a large fleet takes: 100,000 devices and 1,000 edge servers, from places to plan.

`python -m benchmarks.fleet_scale` makes each plan in a process of its own, so that its memory is its own too.
Devices ask for a quarter of a core, so that all in range can be served. Small cities are in `benchmarks.plan`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.results import Row, publish
from fleet_planner.generator import generate
from fleet_planner.network import network
from fleet_planner.objective import objective
from fleet_planner.planner import plan

_MB_PER_CORE = 200.0
_KB_PER_GIB = 1024.0**2


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fleet_scale", description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--edges", type=int, default=1_000)
    parser.add_argument("--technology", default="4G")
    parser.add_argument("--cores", type=float, default=0.25, help="what a device asks for (default 0.25)")
    parser.add_argument("--alone", metavar="OBJECTIVE", help="make one plan in this process and print it as JSON")
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(_measured(options)))
        return
    rows = []
    for aim in ("cost", "delay"):
        again = [sys.executable, "-m", "benchmarks.fleet_scale", *sys.argv[1:], "--alone", aim]
        found = json.loads(subprocess.run(again, check=True, stdout=subprocess.PIPE).stdout)
        note = (
            f"{found['served']:,} of at most {found['served_bound']:,} served, {found['cpu_s']:.1f} s of CPU time"
        )
        rows += [
            Row(name=f"{aim}: gap to the bound", value=100.0 * found["gap"], unit="%", bound=1.0, note=note),
            Row(name=f"{aim}: places to plan", value=found["wall_s"], unit="s", bound=60.0),
            Row(name=f"{aim}: memory at most", value=found["memory_gib"], unit="GiB", bound=4.0),
        ]
    sys.exit(0 if publish("fleet_scale", rows) else 1)


def _measured(options: argparse.Namespace) -> dict[str, Any]:
    city = generate(options.devices, edges=options.edges, seed=1)
    cores = np.full(options.devices, options.cores)
    city = replace(city, devices=replace(city.devices, cores=cores, ram_mb=_MB_PER_CORE * cores))
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    found = plan(network(city, options.technology), objective(options.alone), time_limit_s=60.0)
    return {
        "served": found.served,
        "served_bound": found.served_bound,
        "gap": found.gap,
        "wall_s": time.perf_counter() - wall_s,
        "cpu_s": time.process_time() - cpu_s,
        "memory_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB_PER_GIB,
    }


if __name__ == "__main__":
    main()
