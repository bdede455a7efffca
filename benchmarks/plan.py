"""What planning takes: our formulation beside the source's, same solver, same city, by turns; and larger cities.

`python -m benchmarks.plan` prints CPU time. The larger ones have the size of a city that is often used for such
comparisons, 816 devices and 125 edge servers, here with made-up places.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace

from benchmarks.results import Row, publish
from fleet_planner.generator import generate
from fleet_planner.instance import Instance
from fleet_planner.literal import literal
from fleet_planner.network import network
from fleet_planner.penalty import penalty
from fleet_planner.planner import plan
from fleet_planner.solve import solve

_DEVICES, _EDGES = 816, 125


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plan", description=__doc__)
    parser.add_argument("--devices", type=int, default=300, help="beside the literal formulation (default 300)")
    parser.add_argument("--literal-limit", type=float, default=300.0, help="seconds for it (default 300)")
    options = parser.parse_args()
    rows = [*_beside_the_literal(options.devices, options.literal_limit), *_cities()]
    sys.exit(0 if publish("plan", rows) else 1)


def _beside_the_literal(devices: int, limit_s: float) -> list[Row]:
    laid = network(generate(devices), "2G")
    rows = []
    for aim in ("cost", "delay"):
        began_s = time.process_time()
        ours = plan(laid, aim)
        ours_s = time.process_time() - began_s
        m = penalty(laid, aim)
        began_s = time.process_time()
        theirs = solve(literal(laid, aim, penalty=m).program, time_limit_s=limit_s)
        theirs_s = time.process_time() - began_s
        missing = len(laid.instance.devices) - ours.served
        difference = abs(theirs.objective - m * missing - ours.objective) / ours.objective
        note = f"2G, {devices} devices: ours {ours_s:.2f} s, literal {theirs_s:.1f} s ({theirs.status})"
        rows.append(
            Row(
                name=f"{aim}: literal / ours",
                value=theirs_s / ours_s,
                unit="x",
                bound=20.0,
                at_least=True,
                note=note,
            )
        )
        if theirs.status == "optimal":
            rows.append(Row(name=f"{aim}: difference of optima", value=difference, unit="", bound=1e-6))
    return rows


def _cities() -> list[Row]:
    rows = []
    for name, instance in (
        ("as drawn", _city(1.0)),
        ("twice the cores", _city(2.0)),
        ("thrice the cores", _city(3.0)),
    ):
        for technology in ("2G", "4G", "6G"):
            laid = network(instance, technology)
            for aim in ("cost", "delay"):
                began_s = time.process_time()
                found = plan(laid, aim, time_limit_s=60.0)
                taken_s = time.process_time() - began_s
                note = f"{found.status}, {found.served} of {_DEVICES} served"
                rows.append(
                    Row(name=f"{name}, {technology}, {aim}", value=taken_s, unit="s", bound=1.0, note=note)
                )
    return rows


def _city(factor: float) -> Instance:
    drawn = generate(_DEVICES, edges=_EDGES)
    return replace(drawn, edges=replace(drawn.edges, cores=factor * drawn.edges.cores))


if __name__ == "__main__":
    main()
