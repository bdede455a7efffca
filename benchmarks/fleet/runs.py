"""One city under one scenario: the plans that the figures need of it. Averages nothing, judges nothing."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.fleet.ties import Ties, ties_of
from fleet_planner.generator import generate
from fleet_planner.network import network
from fleet_planner.planner import plan
from fleet_planner.technology import MIXED

__all__ = ["OBJECTIVES", "SCENARIOS", "SIZES", "Case", "Objective", "Run", "cases_of", "play"]

Objective = Literal["cost", "delay"]
OBJECTIVES: tuple[Objective, ...] = ("cost", "delay")
SCENARIOS = ("2G", "3G", "4G", "5G", "6G", MIXED)
SIZES = (100, 150, 200, 250, 300)

_TIME_LIMIT_S = 60.0  # of wall time; plans that reach it are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`seed` draws the city and the factors of the hops; cities of one seed grow with `devices`."""

    seed: int
    scenario: str
    devices: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A case's results by objective, without any penalty.

    `local_acceptance_frac` is what can be served without clouds on demand. `cpu_s` is the processor's time from
    the network to the plan, and `proven` tells whether that is known to be optimal. `ties` are found for least
    cost with mixed technologies only, whose published delays depend on them.
    """

    case: Case
    objective: Objective
    acceptance_frac: float
    local_acceptance_frac: float
    mean_delay_s: float | None
    cost_usd_per_h: float
    cpu_s: float
    proven: bool
    ties: Ties | None


def cases_of(seeds: Sequence[int]) -> list[Case]:
    return [
        Case(seed=seed, scenario=scenario, devices=devices)
        for seed in seeds
        for devices in SIZES
        for scenario in SCENARIOS
    ]


def play(case: Case, *, ties_limit_s: float = 10.0) -> tuple[Run, ...]:
    """Plan for both objectives. Both serve as many as can be, so one plan tells what clouds on demand add.

    Either end of the ties is looked for so long, in wall time.
    """
    alone = generate(case.devices, seed=case.seed, on_demand=False)
    local = plan(network(alone, case.scenario, seed=case.seed), "delay", time_limit_s=_TIME_LIMIT_S)
    laid = network(generate(case.devices, seed=case.seed), case.scenario, seed=case.seed)
    runs = []
    for objective in OBJECTIVES:
        began_s = time.process_time()
        found = plan(laid, objective, time_limit_s=_TIME_LIMIT_S)
        cpu_s = time.process_time() - began_s
        tied = found.served and objective == "cost" and case.scenario == MIXED
        runs.append(
            Run(
                case=case,
                objective=objective,
                acceptance_frac=found.served / case.devices,
                local_acceptance_frac=local.served / case.devices,
                mean_delay_s=found.mean_delay_s,
                cost_usd_per_h=found.cost_usd_per_h,
                cpu_s=cpu_s,
                proven=found.status == "optimal",
                ties=ties_of(found, time_limit_s=ties_limit_s) if tied else None,
            )
        )
    return tuple(runs)
