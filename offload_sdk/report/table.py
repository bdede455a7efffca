"""The local-vs-cloud table: from records to statistics. Pure; how it looks is `render` and `html`.

What a policy chose to run is a biased sample: it runs an option when it expects that one to do well. So the
images for which another path was run besides (`shadow_rate`, by chance) are a table of their own, in which both
paths answer the same images.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from offload_sdk._types import OptionPath, Outcome, Record
from offload_sdk.report.runs import (
    comparable_s,
    is_answered,
    relative_error,
    stayed_below_p90,
    was_shadowed,
)
from offload_sdk.report.spread import Spread, quantile, spread_of

__all__ = ["OptionStats", "Report", "Spread", "summarise"]

_LOCAL = "local"


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionStats:
    """One option over some images.

    `chosen` counts decisions, `runs` how often it ran, `failed` the runs without an answer. `latency_s` is over
    whole answers, `energy_j` over the runs for which it is known; `energy_source` is `metered`, `modelled`,
    `mixed` or `unknown`. `cost_usd`, `sent_bytes` and `received_bytes` are sums over all runs. Prediction:
    `error_frac` is the median of |predicted − actual| / actual, `p90_coverage_frac` the share of runs that
    stayed below their predicted p90 (0.9 is right), `predictions` the number of runs behind the former.
    """

    option: str
    path: OptionPath
    chosen: int
    runs: int
    failed: int
    latency_s: Spread
    energy_j: Spread
    energy_source: str
    cost_usd: float
    sent_bytes: int
    received_bytes: int
    predictions: int
    error_frac: float | None
    p90_coverage_frac: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that is said of a log.

    `options` counts the runs that served the answer, `baseline` every run for the images with shadow runs (empty
    without any). `latency_s`, `energy_j` and `cost_usd` are what the caller saw: whole calls, as decided.
    `first_wall_s` and `last_wall_s` are Unix times, None for an empty log.
    """

    images: int
    answered: int
    fallbacks: int
    hedged: int
    explored: int
    latency_s: Spread
    energy_j: Spread
    energy_source: str
    cost_usd: float
    first_wall_s: float | None
    last_wall_s: float | None
    policies: Mapping[str, int]
    options: tuple[OptionStats, ...]
    baseline_images: int
    baseline: tuple[OptionStats, ...]


def summarise(records: Iterable[Record]) -> Report:
    """Go through the records once and return the statistics; keeps a few numbers per run, not the records."""
    answering, baseline = _Options(), _Options()
    policies: Counter[str] = Counter()
    latencies_s: list[float] = []
    energies_j: list[float] = []
    sources: set[str] = set()
    images = answered = fallbacks = hedged = explored = baseline_images = 0
    cost_usd = 0.0
    first_s: float | None = None
    last_s: float | None = None
    for record in records:
        images += 1
        first_s = record.wall_s if first_s is None else min(first_s, record.wall_s)
        last_s = record.wall_s if last_s is None else max(last_s, record.wall_s)
        policies[record.decision.policy] += 1
        fallbacks += record.fallback
        hedged += record.hedged
        explored += record.decision.explored
        if record.path is not None:
            answered += 1
            latencies_s.append(record.latency_s)
        served = [outcome for outcome in record.outcomes if outcome.role not in ("shadow", "probe")]
        cost_usd += sum(outcome.cost_usd for outcome in served)
        known_j = [outcome.energy_j for outcome in served if outcome.energy_j is not None]
        if served and len(known_j) == len(served):
            energies_j.append(math.fsum(known_j))
            sources.update(outcome.energy_source for outcome in served)
        answering.add(record, served)
        if was_shadowed(record):
            baseline_images += 1
            baseline.add(record, [outcome for outcome in record.outcomes if outcome.role != "probe"])
    return Report(
        images=images,
        answered=answered,
        fallbacks=fallbacks,
        hedged=hedged,
        explored=explored,
        latency_s=spread_of(latencies_s),
        energy_j=spread_of(energies_j),
        energy_source=_source_of(sources),
        cost_usd=cost_usd,
        first_wall_s=first_s,
        last_wall_s=last_s,
        policies=dict(policies.most_common()),
        options=answering.stats(),
        baseline_images=baseline_images,
        baseline=baseline.stats(),
    )


@dataclass(slots=True)
class _Tally:
    """The numbers of one option while they are gathered."""

    path: OptionPath
    chosen: int = 0
    runs: int = 0
    failed: int = 0
    latencies_s: list[float] = field(default_factory=list)
    energies_j: list[float] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)
    cost_usd: float = 0.0
    sent_bytes: int = 0
    received_bytes: int = 0
    errors: list[float] = field(default_factory=list)
    below: int = 0
    judged: int = 0

    def add(self, outcome: Outcome, record: Record) -> None:
        self.runs += 1
        self.failed += outcome.status == "failed"
        self.cost_usd += outcome.cost_usd
        self.sent_bytes += outcome.sent_bytes
        self.received_bytes += outcome.received_bytes
        if is_answered(outcome):
            self.latencies_s.append(comparable_s(outcome, record))
        if outcome.energy_j is not None:
            self.energies_j.append(outcome.energy_j)
            self.sources.add(outcome.energy_source)
        error = relative_error(outcome, record)
        if error is not None:
            self.errors.append(error)
        below = stayed_below_p90(outcome, record)
        if below is not None:
            self.judged += 1
            self.below += below

    def stats(self, option: str) -> OptionStats:
        return OptionStats(
            option=option,
            path=self.path,
            chosen=self.chosen,
            runs=self.runs,
            failed=self.failed,
            latency_s=spread_of(self.latencies_s),
            energy_j=spread_of(self.energies_j),
            energy_source=_source_of(self.sources),
            cost_usd=self.cost_usd,
            sent_bytes=self.sent_bytes,
            received_bytes=self.received_bytes,
            predictions=len(self.errors),
            error_frac=quantile(sorted(self.errors), 0.5) if self.errors else None,
            p90_coverage_frac=self.below / self.judged if self.judged else None,
        )


class _Options:
    """A tally per option, local first, then the endpoints by name."""

    def __init__(self) -> None:
        self._tallies: dict[str, _Tally] = {}

    def add(self, record: Record, outcomes: Iterable[Outcome]) -> None:
        decision = record.decision
        for option, estimate in decision.predicted.items():
            self._tally(option, estimate.path)
        self._tally(decision.chosen, decision.path).chosen += 1
        for outcome in outcomes:
            self._tally(outcome.option, outcome.path).add(outcome, record)

    def stats(self) -> tuple[OptionStats, ...]:
        names = sorted(self._tallies, key=lambda name: (name != _LOCAL, name))
        return tuple(self._tallies[name].stats(name) for name in names)

    def _tally(self, option: str, path: OptionPath) -> _Tally:
        return self._tallies.setdefault(option, _Tally(path=path))


def _source_of(sources: set[str]) -> str:
    if not sources:
        return "unknown"
    return sources.copy().pop() if len(sources) == 1 else "mixed"
