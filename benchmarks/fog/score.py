"""From how requests ended to the figures of the charts. Runs nothing, averages over no seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from benchmarks.fog.node import Ending
from benchmarks.fog.parameters import Parameters
from benchmarks.fog.workload import Request

__all__ = ["Score", "score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Means over all requests of a run, whatever became of them.

    `battery_percent`, `signal_percent`: answered while the device was still above its threshold. `qos_percent`:
    answered within T_r. `success_percent`: all three. `wait_s`: equation (21). `qoe_s`: equation (22).

    A request that was refused has no success. Its device has waited for T_r in vain (or for as long as it took to
    refuse it, if that is longer): that is its wait, and what is left of T_r then, nothing or less, its QoE. So
    nothing is gained by refusing.
    """

    battery_percent: float
    signal_percent: float
    qos_percent: float
    success_percent: float
    wait_s: float
    qoe_s: float


def score(parameters: Parameters, requests: Sequence[Request], endings: Sequence[Ending]) -> Score:
    """Both by key."""
    rows = [_row(parameters, request, ending) for request, ending in zip(requests, endings, strict=True)]
    battery, signal, qos, success, wait_s, qoe_s = (fmean(column) for column in zip(*rows, strict=True))
    return Score(
        battery_percent=100.0 * battery,
        signal_percent=100.0 * signal,
        qos_percent=100.0 * qos,
        success_percent=100.0 * success,
        wait_s=wait_s,
        qoe_s=qoe_s,
    )


def _row(parameters: Parameters, request: Request, ending: Ending) -> tuple[float, ...]:
    took_s = ending.ended_s - request.told.arrived_s
    if ending.started_s is None:
        wait_s = max(request.limit_s, took_s)
        return 0.0, 0.0, 0.0, 0.0, wait_s, request.limit_s - wait_s
    battery = request.battery_at(ending.ended_s) >= parameters.least_battery_frac
    signal = request.signal_at(ending.ended_s) >= parameters.least_signal_dbm
    qos = ending.ended_s <= request.told.arrived_s + request.limit_s  # the very sum that is told as the deadline
    wait_s = ending.started_s - request.told.arrived_s
    return battery, signal, qos, battery and signal and qos, wait_s, request.limit_s - took_s
