"""What a policy on trial is told of the images it decided: outcomes as the loop would have reported them. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from offload_sdk._types import Outcome, OutcomeRole
from offload_sdk.replay.case import Bill, Case, Run
from offload_sdk.replay.plan import Plan

__all__ = ["lesson"]


def lesson(plan: Plan, runs: Mapping[str, Run], bill: Bill, case: Case) -> list[Outcome]:
    """Return the outcomes of the plan, given what its options take; empty where the first one's is not known."""
    first, backup = runs.get(plan.first), runs.get(plan.backup or "")
    if first is None:
        return []
    over_s, lasts_s = min(first.latency_s, plan.after_s), first.latency_s
    if first.latency_s > plan.after_s:  # in a hedge it goes on until there is an answer, else it is given up
        lasts_s = bill.latency_s - case.overhead_s if plan.hedge else plan.after_s
    outcomes = [_outcome(plan.first, first, "answer", 0.0, lasts_s, plan.hedge, case)]
    if plan.backup is not None and backup is not None and (bill.duplicate or bill.option != plan.first):
        role: OutcomeRole = "hedge" if bill.duplicate else "fallback"
        outcomes.append(_outcome(plan.backup, backup, role, over_s, backup.latency_s, plan.hedge, case))
    return outcomes


def _outcome(
    option: str, run: Run, role: OutcomeRole, after_s: float, lasts_s: float, hedge: bool, case: Case
) -> Outcome:
    """Return a run that started `after_s` into the image and was cut off after `lasts_s`, if it took longer."""
    cut = run.censored or run.latency_s > lasts_s
    return Outcome(
        option=option,
        path=case.decision.predicted[option].path,
        status="success" if run.answered and not cut else "ignored" if cut and hedge else "failed",
        role=role,
        started_s=case.situation.snapshot.taken_s + case.overhead_s + after_s,
        latency_s=min(run.latency_s, lasts_s),
        censored=cut,
        energy_j=run.energy_j,
        cost_usd=run.cost_usd,
        sent_bytes=round(run.sent_bytes),
    )
