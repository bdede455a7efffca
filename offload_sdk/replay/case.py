"""One logged image as a replay needs it: what was known then, and what every option that ran really took.

Reads no file and decides nothing. How likely it was that a run was seen at all is `support`'s.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from offload_sdk._types import Decision, Outcome, Record, Situation
from offload_sdk.report.runs import comparable_s, is_answered

__all__ = ["Bill", "Case", "Run", "case_of", "is_whole", "total_j"]


class Run(NamedTuple):  # a tuple, as are bills: a long log makes hundreds of thousands of them
    """What one option took for one image, counted from its own start.

    `answered`: it gave labels after `latency_s`. Else it failed then; or, if `censored`, it was stopped then, and
    whatever would have become of it takes longer. `energy_j` None: unknown.
    """

    latency_s: float
    answered: bool = True
    censored: bool = False
    energy_j: float | None = None
    cost_usd: float = 0.0
    sent_bytes: float = 0.0


class Bill(NamedTuple):
    """What one image took under one policy, all of its runs together.

    `option` is the one that answered, None if none did. `late` is None without a deadline. `duplicate`: a second
    option was started while the first still ran.
    """

    latency_s: float
    option: str | None
    late: bool | None = None
    energy_j: float | None = None
    cost_usd: float = 0.0
    sent_bytes: float = 0.0
    duplicate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One image of the log.

    `own` holds the runs that the log's decision led to, `shadows` those that chance added to them. `eligible`
    says that chance could have added some, `shadowed` that it did and that all of them are told; those that it
    asked for and that are not told are `lost`. `overhead_s` is what the call took besides its runs.
    """

    situation: Situation
    decision: Decision
    deadline_s: float | None
    overhead_s: float
    bill: Bill
    own: Mapping[str, Run]
    shadows: Mapping[str, Run]
    eligible: bool
    shadowed: bool
    lost: bool

    @property
    def runs(self) -> Mapping[str, Run]:
        return {**self.shadows, **self.own}


def is_whole(record: Record) -> bool:
    """Whether a row can be replayed: a plug-in may have logged no predictions, or times that are not finite."""
    predicted = record.decision.predicted
    times = [record.latency_s, *(estimate.latency.mean_s for estimate in predicted.values())]
    return record.decision.chosen in predicted and all(map(math.isfinite, times))


def case_of(record: Record) -> Case:
    """Return a logged image with the situation as its policy saw it.

    The log holds no list of the options that were barred; the sentence of the decision names them.
    """
    decision = record.decision
    barred = {name: "as in the log" for name in decision.predicted if f"; {name} is out: " in decision.reason}
    open_s = record.timings.get("open", 0.0)
    served = [outcome for outcome in record.outcomes if outcome.role not in ("shadow", "probe")]
    own = _runs(record, served)
    shadows = _runs(record, [outcome for outcome in record.outcomes if outcome.role == "shadow"])
    asked = set(decision.shadow) - own.keys()
    hedged = record.hedged or any(outcome.role == "hedge" for outcome in served)
    overhead_s = open_s + record.timings.get("decide", 0.0)
    if not hedged:  # then the runs came one after the other, and the rest is the call's own
        overhead_s = max(record.latency_s - math.fsum(outcome.latency_s for outcome in served), 0.0)
    return Case(
        situation=Situation(
            estimates=tuple(decision.predicted.values()),
            snapshot=record.snapshot,
            image=record.image,
            deadline_s=None if record.deadline_s is None else max(record.deadline_s - open_s, 0.0),
            unavailable=barred,
        ),
        decision=decision,
        deadline_s=record.deadline_s,
        overhead_s=overhead_s,
        bill=_own_bill(record, served, hedged),
        own=own,
        shadows=shadows,
        eligible=len(decision.predicted.keys() - barred - {decision.chosen}) > 0,
        shadowed=bool(asked) and asked <= shadows.keys(),
        lost=bool(asked - shadows.keys()),
    )


def _runs(record: Record, outcomes: list[Outcome]) -> dict[str, Run]:
    """Return what is known of each option; of two runs of one, the one that tells more."""
    runs: dict[str, Run] = {}
    for outcome in outcomes:
        latency_s = comparable_s(outcome, record)
        if not math.isfinite(latency_s) or (outcome.status == "ignored" and not outcome.censored):
            continue
        run = Run(
            latency_s=latency_s,
            answered=is_answered(outcome),
            censored=outcome.censored,
            energy_j=outcome.energy_j,
            cost_usd=outcome.cost_usd,
            sent_bytes=outcome.sent_bytes,
        )
        if outcome.option not in runs or runs[outcome.option].censored:
            runs[outcome.option] = run
    return runs


def _own_bill(record: Record, served: list[Outcome], hedged: bool) -> Bill:
    energies = [outcome.energy_j for outcome in served]
    late = None
    if record.deadline_s is not None:
        late = record.path is None or record.latency_s > record.deadline_s
    return Bill(
        latency_s=record.latency_s,
        option=record.endpoint or record.path,
        late=late,
        energy_j=total_j(energies),
        cost_usd=math.fsum(outcome.cost_usd for outcome in served),
        sent_bytes=sum(outcome.sent_bytes for outcome in served),
        duplicate=hedged,
    )


def total_j(energies: list[float | None]) -> float | None:
    """Return the sum, or None when a part of it is unknown."""
    known = [energy for energy in energies if energy is not None]
    return sum(known) if known and len(known) == len(energies) else None
