"""One policy on trial: taken through the images of a log, and judged by four methods. Reads no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from offload_sdk.replay.case import Bill, Case, Run
from offload_sdk.replay.intervals import Intervals
from offload_sdk.replay.lesson import lesson
from offload_sdk.replay.plan import Plan, plan_of, settle
from offload_sdk.replay.result import METHODS, Method, Verdict
from offload_sdk.replay.sample import Sample
from offload_sdk.replay.support import Evidence, evidence
from offload_sdk.typing import LearningPolicy, Policy

__all__ = ["Trial"]

_LEAST_BY_CHANCE = 20  # images that show by chance alone what the policy would have cost
_TOLERATED_FRAC = 0.01  # of the images may be without support: for them the model alone speaks


class Trial:
    """Gathers a policy's bills image by image; `verdict` weighs them.

    A learning policy learns from what its own choices would have shown it: as the log has it, or the model where
    the log has nothing.
    """

    def __init__(self, name: str, policy: Policy, *, timeout_s: float, share: float) -> None:
        self._name = name
        self._policy = policy
        self._learner = policy if isinstance(policy, LearningPolicy) else None
        self._timeout_s = timeout_s
        self._share = share
        self.expected_s: list[float] = []  # the model's mean time of each image
        self._entries: dict[Method, list[tuple[int, float, Bill]]] = {method: [] for method in METHODS}
        self._images = self._unsupported = self._certain = self._by_chance = self._shadowed = 0

    def add(self, place: int, case: Case, own: Plan, draws: Sequence[Mapping[str, Run]]) -> None:
        """Decide one image anew; `own` is what the log did, `draws` what the model says of every option."""
        decision = self._policy.decide(case.situation)
        plan = plan_of(decision, case, self._timeout_s)
        told = evidence(case, plan, own, self._share)
        if self._learner is not None:
            runs = draws[place % len(draws)] if told.bill is None else case.runs
            bill = told.bill or settle(plan, runs, case)
            assert isinstance(bill, Bill), "the model knows every option"
            self._learner.learn(decision, lesson(plan, runs, bill, case))
        self._images += 1
        self._count(told)
        if plan == own and case.decision.propensity == 1.0:
            modelled = [case.bill]
        else:
            modelled = [bill for bill in (settle(plan, runs, case) for runs in draws) if isinstance(bill, Bill)]
        self.expected_s.append(sum(bill.latency_s for bill in modelled) / len(modelled))
        self._weigh(place, case, told, modelled)

    def _count(self, told: Evidence) -> None:
        self._unsupported += told.chance == 0.0
        self._certain += told.chance == 1.0
        self._by_chance += told.bill is not None and told.chance < 1.0

    def _weigh(self, place: int, case: Case, told: Evidence, modelled: list[Bill]) -> None:
        entries, weight = self._entries, told.weight
        if told.bill is not None:
            entries["inverse_propensity"].append((place, weight, told.bill))
            entries["doubly_robust"].append((place, weight, told.bill))
            if case.shadowed:
                self._shadowed += 1
                entries["shadowed"].append((place, 1.0, told.bill))
            elif not case.eligible:  # nothing else could have run; such images are as many as they are
                entries["shadowed"].append((place, self._share, told.bill))
        for bill in modelled:
            entries["direct"].append((place, 1.0 / len(modelled), bill))
            if weight != 1.0:
                entries["doubly_robust"].append((place, (1.0 - weight) / len(modelled), bill))

    def verdict(self, intervals: Intervals, own: Sample, options: Sequence[str], *, all_methods: bool) -> Verdict:
        weights = [weight for _, weight, _ in self._entries["inverse_propensity"]]
        effective = sum(weights) ** 2 / sum(weight * weight for weight in weights) if weights else 0.0  # Kish 1965
        method, is_evidence, reason = self._recommended(effective)
        shown: list[Method] = [method]
        if all_methods:
            shown = ["direct"]
            if is_evidence:
                shown += ["inverse_propensity", "doubly_robust"]
            if self._shadowed >= _LEAST_BY_CHANCE:
                shown.append("shadowed")
        samples = {name: Sample(self._entries[name], self._images, options) for name in shown}
        return Verdict(
            policy=self._name,
            shown_frac=self._certain / self._images,
            unsupported_frac=self._unsupported / self._images,
            effective=effective,
            estimates={name: intervals.costs(sample) for name, sample in samples.items()},
            recommended=method,
            is_evidence=is_evidence,
            reason=reason,
            change_frac=intervals.change(samples[method], own),
        )

    def _recommended(self, effective: float) -> tuple[Method, bool, str]:
        """Return the method to believe, whether it rests on what was seen, and why it is taken."""
        open_images = self._images - self._certain
        if not open_images:
            return "inverse_propensity", True, "the log shows what each of its images costs under this policy"
        unsupported_frac = self._unsupported / self._images
        if unsupported_frac > _TOLERATED_FRAC:
            reason = (
                f"the log cannot tell: for {unsupported_frac:.0%} of the images this policy does something else "
                "than was done, and what that takes was never tried; this is a prediction by the model, not "
                "evidence (which log.shadow_rate would add)"
            )
            return "direct", False, reason
        if min(self._by_chance, effective) < _LEAST_BY_CHANCE:
            reason = (
                f"only {self._by_chance} images show by chance what this policy's other choices would have taken; "
                f"with fewer than {_LEAST_BY_CHANCE} this is a prediction by the model, not evidence"
            )
            return "direct", False, reason
        reason = (
            f"every image had a chance to show what this policy costs, and {self._certain + self._by_chance:,} of "
            f"{self._images:,} did; the model fills the rest and its error is corrected by them"
        )
        return "doubly_robust", True, reason
