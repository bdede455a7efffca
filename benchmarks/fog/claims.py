"""What the paper says of its policy, what is said of the server's own, and whether it came out. Runs nothing.

The rule: policies are compared seed by seed on the same requests. In a cell (a place on a chart) one is better
than another if the 95 % interval of the paired difference is all above zero; a claim is reproduced if that is so
in more than half of its cells. Cells in which everybody succeeds count against it. "Stays positive" is stricter:
the interval of the mean lies above zero in each cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from benchmarks.fog.cells import CHARTS, Chart
from benchmarks.fog.parameters import Parameters, variations
from benchmarks.fog.policies import BASELINES, DYNAMIC, OWN, PAPER, STATIC
from benchmarks.fog.summary import Interval, Results, interval_of

__all__ = ["Claim", "claims_of"]

_UNITS = {"wait_s": "s", "qoe_s": "s"}  # all other metrics are in percentage points
_SUCCESS = {
    "battery success": ("battery_percent",),
    "signal success": ("signal_percent",),
    "QoS success": ("qos_percent",),
    "success": ("battery_percent", "signal_percent", "qos_percent", "success_percent"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """`figure` says in how many cells it held, and by how much."""

    claim: str
    reproduced: bool
    figure: str


def claims_of(results: Results) -> list[Claim]:
    claims = [
        _better(results, _charts(*metrics), DYNAMIC, BASELINES, f"the proposal beats the others on {what}")
        for what, metrics in _SUCCESS.items()
    ]
    claims += [
        _better(results, _charts(*metrics), DYNAMIC, [STATIC], f"dynamic τ beats static τ on {what}")
        for what, metrics in _SUCCESS.items()
    ]
    claims += [_positive(results, policy) for policy in (STATIC, DYNAMIC)]
    claims.append(_shorter_wait(results))
    if OWN not in PAPER:
        for chart in CHARTS:
            what = f"chart {chart.number}: {OWN} beats"
            claims.append(_better(results, [chart], OWN, (STATIC, DYNAMIC), f"{what} the proposal"))
            claims.append(_better(results, [chart], OWN, PAPER, f"{what} all five"))
    claims += _varied(results)
    return claims


def _charts(*metrics: str) -> list[Chart]:
    return [chart for chart in CHARTS if chart.metric in metrics]


def _better(results: Results, charts: Sequence[Chart], policy: str, others: Sequence[str], claim: str) -> Claim:
    """Better than each of the others. The lead is the one on the best of them in the cell."""
    cells = [(chart.axis, x, chart.metric) for chart in charts for x in results.places(chart.axis)]
    better = worse = 0
    leads: list[list[float]] = []
    for axis, x, metric in cells:
        differences = [results.lead(axis, x, policy, other, metric) for other in others]
        signs = [interval_of(values).sign for values in differences]
        better += all(sign > 0 for sign in signs)
        worse += any(sign < 0 for sign in signs)
        leads.append(min(differences, key=fmean))
    lead = interval_of([fmean(seed) for seed in zip(*leads, strict=True)])
    said = _said(lead, _UNITS.get(charts[0].metric, "points"))
    figure = f"better in {better}, worse in {worse} of {len(cells)} cells; mean lead {said}"
    return Claim(claim=claim, reproduced=2 * better > len(cells), figure=figure)


def _positive(results: Results, policy: str) -> Claim:
    cells = [(c, x) for c in _charts("qoe_s") for x in results.places(c.axis)]
    means = [results.mean(chart.axis, x, policy, "qoe_s") for chart, x in cells]
    positive = sum(mean.sign > 0 for mean in means)
    (chart, x), least = min(zip(cells, means, strict=True), key=lambda pair: pair[1].mean)
    return Claim(
        claim=f"QoE stays positive with {policy}",
        reproduced=positive == len(cells),
        figure=f"positive in {positive} of {len(cells)} cells; "
        f"least {_said(least, 's')} (chart {chart.number}, {chart.axis} {x:g})",
    )


def _shorter_wait(results: Results) -> Claim:
    cells = [(chart.axis, x) for chart in _charts("wait_s") for x in results.places(chart.axis)]
    below = dict.fromkeys(BASELINES, 0)
    most = 0
    for axis, x in cells:
        signs = {name: interval_of(results.lead(axis, x, DYNAMIC, name, "wait_s")).sign for name in BASELINES}
        for name, sign in signs.items():
            below[name] += sign > 0
        most += 2 * sum(sign > 0 for sign in signs.values()) > len(BASELINES)
    each = ", ".join(f"{name} in {count}" for name, count in below.items())
    return Claim(
        claim="the proposal's mean wait is below that of most others",
        reproduced=2 * most > len(cells),
        figure=f"below most in {most} of {len(cells)} cells: below {each}",
    )


def _varied(results: Results) -> list[Claim]:
    """Whether who leads on success depends on the numbers that we chose."""
    claims = []
    for name in variations(Parameters()):
        chart = Chart(number=0, axis=name, metric="success_percent")
        claims.append(_better(results, [chart], DYNAMIC, BASELINES, f"{name}: the proposal beats the others"))
        if OWN not in PAPER:
            claims.append(_better(results, [chart], OWN, PAPER, f"{name}: {OWN} beats all five"))
        claims[-1] = replace(claims[-1], figure=f"{claims[-1].figure}; {_ranking(results, chart)}")
    return claims


def _ranking(results: Results, chart: Chart) -> str:
    (x,) = results.places(chart.axis)
    means = {policy: results.mean(chart.axis, x, policy, chart.metric).mean for policy in results.policies}
    return ", ".join(
        f"{policy} {means[policy]:.1f}" for policy in sorted(means, key=means.__getitem__, reverse=True)
    )


def _said(interval: Interval, unit: str) -> str:
    return f"{interval.mean:+.2f} ± {interval.half:.2f} {unit}"
