"""What the paper says of its policy, what is said of the server's own, and whether it came out. Runs nothing.

The rule: policies are compared seed by seed on the same requests. In a cell (a place on a chart) one is better
than another if the 95 % interval of the paired difference is all above zero; a claim is reproduced if that is so
in more than half of its cells. Cells in which everybody succeeds count against it. "Stays positive" is stricter:
the interval of the mean lies above zero in each cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from benchmarks.fog.cells import CHARTS, IN_ROUNDS, Chart
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
    claims = _of_the_paper(results, CHARTS)
    for claim in _of_the_paper(results, IN_ROUNDS):
        claims.append(replace(claim, claim=f"every policy in rounds: {claim.claim}"))
    if OWN not in PAPER:
        claims += _on_charts(results, (STATIC, DYNAMIC), f"{OWN} beats the proposal")
        claims += _on_charts(results, PAPER, f"{OWN} beats all five")
    return claims + _varied(results)


def _of_the_paper(results: Results, charts: Sequence[Chart]) -> list[Claim]:
    claims = []
    for others, claim in (
        (BASELINES, "the proposal beats the others on"),
        ([STATIC], "dynamic τ beats static τ on"),
    ):
        for what, metrics in _SUCCESS.items():
            on = [chart for chart in charts if chart.metric in metrics]
            claims.append(_better(results, on, DYNAMIC, others, f"{claim} {what}"))
    claims += [_positive(results, charts, policy) for policy in (STATIC, DYNAMIC)]
    claims.append(_shorter_wait(results, charts))
    return claims


def _better(results: Results, charts: Sequence[Chart], policy: str, others: Sequence[str], claim: str) -> Claim:
    """Better than each of the others. The lead is the one on the best of them in the cell."""
    cells = [(chart.axis, x, chart.metric) for chart in charts for x in results.places(chart.axis)]
    better = worse = 0
    beaten = dict.fromkeys(others, 0)
    leads: list[list[float]] = []
    for axis, x, metric in cells:
        differences = [results.lead(axis, x, policy, other, metric) for other in others]
        signs = [interval_of(values).sign for values in differences]
        for other, sign in zip(others, signs, strict=True):
            beaten[other] += sign > 0
        better += all(sign > 0 for sign in signs)
        worse += any(sign < 0 for sign in signs)
        leads.append(min(differences, key=fmean))
    lead = interval_of([fmean(seed) for seed in zip(*leads, strict=True)])
    said = _said(lead, _UNITS.get(charts[0].metric, "points"))
    figure = f"better in {better}, worse in {worse} of {len(cells)} cells; mean lead {said}"
    if len(others) > 1:
        figure += f"; each beaten: {_counts(beaten)}"
    return Claim(claim=claim, reproduced=2 * better > len(cells), figure=figure)


def _on_charts(results: Results, others: Sequence[str], claim: str) -> list[Claim]:
    """The server's own policy: on all charts, and on each."""
    claims = [_better(results, [chart], OWN, others, f"{claim} on chart {chart.number}") for chart in CHARTS]
    won = sum(one.reproduced for one in claims)
    figure = f"on {won} of {len(claims)}"
    return [Claim(claim=f"{claim} on every chart", reproduced=won == len(claims), figure=figure), *claims]


def _positive(results: Results, charts: Sequence[Chart], policy: str) -> Claim:
    cells = [(chart, x) for chart in charts if chart.metric == "qoe_s" for x in results.places(chart.axis)]
    means = [results.mean(chart.axis, x, policy, "qoe_s") for chart, x in cells]
    positive = sum(mean.sign > 0 for mean in means)
    (chart, x), least = min(zip(cells, means, strict=True), key=lambda pair: pair[1].mean)
    return Claim(
        claim=f"QoE stays positive with {policy}",
        reproduced=positive == len(cells),
        figure=f"positive in {positive} of {len(cells)} cells; "
        f"least {_said(least, 's')} (chart {chart.number}, {chart.axis} {x:g})",
    )


def _shorter_wait(results: Results, charts: Sequence[Chart]) -> Claim:
    cells = [(chart.axis, x) for chart in charts if chart.metric == "wait_s" for x in results.places(chart.axis)]
    below = dict.fromkeys(BASELINES, 0)
    most = 0
    for axis, x in cells:
        signs = {name: interval_of(results.lead(axis, x, DYNAMIC, name, "wait_s")).sign for name in BASELINES}
        for name, sign in signs.items():
            below[name] += sign > 0
        most += 2 * sum(sign > 0 for sign in signs.values()) > len(BASELINES)
    return Claim(
        claim="the proposal's mean wait is below that of most others",
        reproduced=2 * most > len(cells),
        figure=f"below most in {most} of {len(cells)} cells: below {_counts(below)}",
    )


def _varied(results: Results) -> list[Claim]:
    """Whether who leads on success depends on the numbers that we chose."""
    claims = []
    for name in variations(Parameters()):
        if not results.places(name):  # of a quick run
            continue
        chart = Chart(number=0, axis=name, metric="success_percent")
        claims.append(_better(results, [chart], DYNAMIC, BASELINES, f"{name}: the proposal beats the others"))
        claims.append(_better(results, [chart], DYNAMIC, [STATIC], f"{name}: dynamic τ beats static τ"))
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


def _counts(cells: Mapping[str, int]) -> str:
    return ", ".join(f"{policy} in {count}" for policy, count in cells.items())


def _said(interval: Interval, unit: str) -> str:
    return f"{interval.mean:+.2f} ± {interval.half:.2f} {unit}"
