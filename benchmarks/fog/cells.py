"""What is simulated for which chart, and all policies over one cell. Draws no picture, averages nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from benchmarks.fog.node import Ending, machines_of, simulate
from benchmarks.fog.parameters import Parameters, variations
from benchmarks.fog.policies import NAMES, make
from benchmarks.fog.score import Score, score
from benchmarks.fog.workload import Request, draw

__all__ = ["AXES", "CHARTS", "IN_ROUNDS", "Case", "Chart", "cases_of", "play", "serve"]

_LOADS = (0.4, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6)  # of the requests of all other charts
_MACHINES_PER_HOST = (2, 3, 4, 5, 6, 7, 8)
_LIMITS_S = (4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 20.0)
AXES = ("requests", "machines", "limit_s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart of the paper: a field of `Score` against one of `AXES`."""

    number: int
    axis: str
    metric: str


_METRICS = ("battery_percent", "signal_percent", "qos_percent", "wait_s", "qoe_s")
_BY_AXIS = {"requests": _METRICS, "machines": _METRICS, "limit_s": ("success_percent", "qoe_s")}
_KINDS = [(axis, metric) for axis in AXES for metric in _BY_AXIS[axis]]
CHARTS: tuple[Chart, ...] = tuple(
    Chart(number=number, axis=axis, metric=metric) for number, (axis, metric) in enumerate(_KINDS, start=1)
)
_ROUNDS = "requests, every policy in rounds"
IN_ROUNDS: tuple[Chart, ...] = tuple(replace(chart, axis=_ROUNDS) for chart in CHARTS[: len(_METRICS)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One run of every policy: a place `x` on an axis (or a variation, whose name is `axis`) and a seed."""

    axis: str
    x: float
    seed: int
    parameters: Parameters


def cases_of(base: Parameters, seeds: Sequence[int], every: int = 1) -> list[Case]:
    """All cases; of the places on each axis, and of the variations, only each `every`-th."""
    places: list[tuple[str, float, Parameters]] = []
    for share in _LOADS[::every]:
        count = round(share * base.requests)
        parameters = replace(base, requests=count)
        places.append(("requests", count, parameters))
        places.append((_ROUNDS, count, replace(parameters, in_rounds=True)))
    for each in _MACHINES_PER_HOST[::every]:
        parameters = replace(base, machines_per_host=each)
        places.append(("machines", parameters.machines, parameters))
    places += [("limit_s", limit_s, replace(base, limit_mean_s=limit_s)) for limit_s in _LIMITS_S[::every]]
    places += [(name, varied.requests, varied) for name, varied in list(variations(base).items())[::every]]
    return [
        Case(axis=axis, x=x, seed=seed, parameters=parameters) for axis, x, parameters in places for seed in seeds
    ]


def play(case: Case) -> Mapping[str, Score]:
    """Run every policy over the same requests."""
    requests = draw(case.parameters, case.seed)
    return {name: score(case.parameters, requests, serve(case.parameters, requests, name)) for name in NAMES}


def serve(parameters: Parameters, requests: Sequence[Request], policy: str) -> list[Ending]:
    return simulate(
        requests,
        machines_of(parameters),
        make(policy, parameters),
        live=parameters.context_is_live,
        stoppable=parameters.preempts,
    )
