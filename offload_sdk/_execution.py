"""One image on its way: which options are started for it, when, for how long, and what follows its answer.

Decides nothing (the decision is given), knows no socket and no interpreter (the executors do).
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial

from offload_sdk._parts import Parts, Side
from offload_sdk._types import Decision, Outcome, OutcomeRole, Request
from offload_sdk.errors import ConfigurationError, InvalidImageError
from offload_sdk.estimate import Job
from offload_sdk.execute.patience import lingering_s, patience_s
from offload_sdk.execute.race import race
from offload_sdk.execute.workers import Task
from offload_sdk.typing import Picture

__all__ = ["Execution"]

_logger = logging.getLogger("offload_sdk")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Runner:
    """One side of a hedge."""

    side: Side
    role: OutcomeRole
    job: Job
    started_s: float
    task: Task[Outcome]


class Execution:
    """Runs a decision for one image; `started_s` is when its call began, `decided_s` when it was decided on.

    After `run`, `hedged` tells whether two options were at work at the same time, and `outrun` whether the chosen
    one had not failed, but was slower than the one that answered.
    """

    def __init__(
        self,
        parts: Parts,
        decision: Decision,
        picture: Picture,
        request: Request,
        *,
        started_s: float,
        decided_s: float,
        deadline_s: float | None,
        timeout_s: float,
    ) -> None:
        self._parts = parts
        self._decision = decision
        self._picture = picture
        self._request = request
        self._started_s = started_s
        self._decided_s = decided_s
        self._deadline_s = deadline_s
        self._timeout_s = timeout_s
        self.hedged = False
        self.outrun = False
        self._runners: list[_Runner] = []  # of the hedge, in the order in which they were started
        self._lingering: list[_Runner] = []  # of these, the ones that were at work still when another had answered

    def run(self) -> list[Outcome]:
        """Run the chosen option, the second one when its time has come, then others until one answers.

        The last outcome is the answer, if any is. What still runs is followed up by `go_on`.
        """
        order = self._order()
        outcomes: list[Outcome] = []
        second = self._decision.second
        if second is not None and second != self._decision.chosen:
            outcomes = self._hedge(order[0], self._side(second))
            ran = {runner.side.name for runner in self._runners}
            order = [side for side in order if side.name not in ran]
        if not _is_answered(outcomes):
            self._one_by_one(order, outcomes)
        return outcomes

    def overtaken(self) -> list[Outcome]:
        """Return what is known by now of uploads that are still under way: that they take longer than this."""
        now_s = self._parts.clock()
        outcomes = []
        for runner in self._lingering:
            if runner.side.circuit is None:
                continue
            expected = self._decision.predicted[runner.side.name]
            prepare_s = sum(expected.parts_s.get(step, 0.0) for step in ("decode", "encode"))
            outcomes.append(
                Outcome(
                    option=runner.side.name,
                    path="remote",
                    status="ignored",
                    role=runner.role,
                    started_s=runner.started_s,
                    latency_s=now_s - runner.started_s,
                    censored=True,
                    timings={"network": max(now_s - runner.started_s - prepare_s, 0.0)},
                    payload=expected.payload,
                    sent_bytes=expected.payload_bytes,
                    error_kind="cancelled",
                    error="another option had answered",
                )
            )
        return outcomes

    def go_on(self, outcomes: Iterable[Outcome]) -> None:
        """Add to the image's row, and learn from, what ends after its answer; run the shadows. Does not wait."""
        for runner in self._lingering:
            runner.task.then(partial(self._ended_late, runner))
        ran = {outcome.option for outcome in outcomes} | {runner.side.name for runner in self._lingering}
        wanted = set(self._decision.shadow) - ran
        shadows = [side for side in self._parts.sides if side.name in wanted]
        self._keep_pixels(shadows)
        if shadows and self._parts.shadows.submit(partial(self._run_shadows, shadows)) is None:
            # Said in the row, so that nobody takes the shadowed images for a sample by chance alone.
            why = "earlier shadow runs were still waiting"
            self._amend(*(self._not_run(side, "shadow", why) for side in shadows))

    def _side(self, name: str) -> Side:
        sides = self._parts.by_name
        if name not in sides:
            raise ConfigurationError(f"the policy chose {name!r}, which is not among {list(sides)}")
        return sides[name]

    def _order(self) -> list[Side]:
        """Return the chosen option, then the local path, then the open endpoints, the likely fastest first."""
        decision, sides = self._decision, dict(self._parts.by_name)
        order = [self._side(decision.chosen)]
        del sides[decision.chosen]
        if "local" in sides:
            order.append(sides.pop("local"))
        now_s = self._parts.clock()
        rest = sorted(sides.values(), key=lambda side: decision.predicted[side.name].latency_mean_s)
        order.extend(side for side in rest if side.circuit is None or side.circuit.barred(now_s) is None)
        return order

    def _one_by_one(self, order: list[Side], outcomes: list[Outcome]) -> None:
        """Run options in the caller's thread, each when the one before has failed."""
        predicted = self._decision.predicted
        for place, side in enumerate(order):
            spare = predicted[order[place + 1].name] if place + 1 < len(order) else None
            budget_s = None
            if side.circuit is not None:
                spent_s = self._parts.clock() - self._started_s
                expected = predicted[side.name]
                budget_s = patience_s(expected, spare, spent_s, self._deadline_s, self._timeout_s)
                if spare is not None:
                    budget_s = min(budget_s, side.circuit.trial_s)
                if budget_s <= 0.0:
                    continue
            job = self._parts.begin(side, predicted[side.name], budget_s, insist=spare is None)
            if job is None:
                continue
            outcomes.append(self._attempt(side, job, "fallback" if outcomes else "answer", budget_s))
            if _is_answered(outcomes):
                return

    def _hedge(self, first: Side, second: Side) -> list[Outcome]:
        """Run two options against each other. Both go on in threads of their own; the caller has the answer."""
        after_s = self._decision.second_after_s
        winner = race(
            partial(self._start, first, second),
            partial(self._start, second, first),
            math.inf if after_s is None else self._decided_s + after_s - self._parts.clock(),
            wins=lambda outcome: outcome.answered,
        )
        self.hedged = any(runner.role == "hedge" for runner in self._runners)
        outcomes: list[Outcome] = []
        for runner in self._runners:
            if runner.task is winner:
                continue
            failed = False
            if runner.task.cancel():  # it was still waiting for its turn
                self._parts.drop(runner.side, runner.job)
                self.hedged = False
            elif runner.task.ended and not runner.task.raised:
                outcomes.append(runner.task.result())
                failed = not outcomes[-1].answered
            else:
                self._lingering.append(runner)
            self.outrun = runner.side is first and not failed
        self._keep_pixels(runner.side for runner in self._lingering)
        return outcomes if winner is None else [*outcomes, winner.result()]

    def _start(self, side: Side, spare: Side, alone: bool) -> Task[Outcome] | None:
        """Start one side of the hedge in a thread; None if it must not be started."""
        predicted = self._decision.predicted
        budget_s = None
        if side.circuit is not None:
            budget_s = lingering_s(predicted[side.name], predicted[spare.name], self._timeout_s)
            if self._deadline_s is not None and spare.circuit is not None:  # else the local path answers anyway
                budget_s = min(budget_s, self._deadline_s - (self._parts.clock() - self._started_s))
                if budget_s <= 0.0:
                    return None
        started_s = self._parts.clock()
        job = self._parts.begin(side, predicted[side.name], budget_s)
        if job is None:
            return None
        role: OutcomeRole = "hedge" if not alone else "fallback" if self._runners else "answer"
        task = side.workers.start(partial(self._attempt, side, job, role, budget_s))
        self._runners.append(_Runner(side=side, role=role, job=job, started_s=started_s, task=task))
        return task

    def _attempt(self, side: Side, job: Job, role: OutcomeRole, budget_s: float | None) -> Outcome:
        """Run one option to its end, whatever that is."""
        try:
            outcome = side.executor.run(self._picture, self._request, role, budget_s)
        except BaseException:  # a picture that cannot be decoded says nothing of the option
            self._parts.drop(side, job)
            raise
        usual_s = min(self._decision.predicted[side.name].latency_p90_s, self._timeout_s)
        if outcome.error_kind == "timeout" and budget_s is not None and budget_s < usual_s:
            outcome = replace(outcome, status="ignored")  # a deadline left it no time: that is no failure
        return self._parts.settle(side, outcome, job)

    def _ended_late(self, runner: _Runner, task: Task[Outcome]) -> None:
        try:
            outcome = task.result()
        except InvalidImageError as error:  # the server took it, the decoder here does not
            self._amend(self._not_run(runner.side, runner.role, str(error)))
        except Exception:  # the answer is there, whatever this is
            _logger.exception("%s failed in the background", runner.side.name)
        else:
            self._amend(outcome)

    def _run_shadows(self, sides: list[Side]) -> None:
        """Run the other options in the background, for the log and the estimators only."""
        for side in sides:
            budget_s = None if side.circuit is None else self._timeout_s
            job = self._parts.begin(side, self._decision.predicted[side.name], budget_s)
            if job is None:
                self._amend(self._not_run(side, "shadow", "its circuit had opened"))
                continue
            try:
                self._amend(self._attempt(side, job, "shadow", budget_s))
            except InvalidImageError as error:  # as above
                self._amend(self._not_run(side, "shadow", str(error)))

    def _amend(self, *outcomes: Outcome) -> None:
        self._parts.log.amend(self._request.request_id, outcomes)
        self._parts.learn(self._decision, outcomes, self._picture.info, self._request.snapshot)

    def _keep_pixels(self, sides: Iterable[Side]) -> None:
        """Take what these will need from a picture in memory: its owner may draw on it, a camera reuse it."""
        if self._picture.info.encoded_bytes is not None:
            return
        with contextlib.suppress(InvalidImageError):  # the run itself will say so
            for side in sides:
                if side.circuit is None:
                    self._picture.tensor({})
                else:
                    self._picture.keep(self._request.payloads.get(side.name))

    def _not_run(self, side: Side, role: OutcomeRole, why: str) -> Outcome:
        """Return the outcome of a run that did not take place."""
        return Outcome(
            option=side.name,
            path="local" if side.circuit is None else "remote",
            status="ignored",
            role=role,
            started_s=self._parts.clock(),
            latency_s=0.0,
            error_kind="busy",
            error=f"not run: {why}",
        )


def _is_answered(outcomes: list[Outcome]) -> bool:
    return bool(outcomes) and outcomes[-1].answered
