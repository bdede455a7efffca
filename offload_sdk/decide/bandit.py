"""The policy `bandit`: learn how far each option's predictions are off, and try what may well be better."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import replace

from offload_sdk._types import Decision, Estimate, Outcome, Situation
from offload_sdk.decide.limits import Limits, within_limits
from offload_sdk.decide.options import decision, describe, expected_latency_s, open_options, scaled
from offload_sdk.decide.ratio import LogRatio

__all__ = ["Bandit"]

_LEAST_S = 1e-9  # of a time that is divided by


class Bandit:
    """Discounted Thompson sampling on the time until an answer, with the predictions as context, under limits.

    Per option it keeps a belief about log(observed / predicted), so the size of the image and the state of link
    and device are accounted for by the estimators, and what is learned is what they miss. The leader, the option
    of the least expected time so corrected, plays against one challenger, drawn evenly among the others: each
    option's time is drawn from its belief, the lesser wins. Of two Gaussians on the log scale that is
    P(challenger wins) = Φ(−Δ / √(sd₁² + sd₂²)), so with two options this is Thompson sampling, and
    with any number the propensity is exact. Only options that keep the limits take part.

    One random number a decision, O(options). Hard limits as for `auto`; money and energy have no price here.
    """

    def __init__(self, *, limits: Limits, rng: random.Random) -> None:
        self._limits = limits
        self._rng = rng
        self._ratios: dict[str, LogRatio] = {}
        self._step = 0
        self._now_s = 0.0

    def decide(self, situation: Situation) -> Decision:
        now_s = max(self._now_s, situation.snapshot.taken_s)
        beliefs = {estimate.option: self._belief(estimate, now_s) for estimate in open_options(situation)}
        corrected = tuple(
            replace(estimate, latency=scaled(estimate.latency, math.exp(beliefs[estimate.option][0])))
            for estimate in open_options(situation)
        )
        options, notes = within_limits(corrected, situation, self._limits)
        shown = ", ".join(f"{describe(option)} ± {beliefs[option.option][1]:.0%}" for option in options)
        if len(options) == 1:
            return decision("bandit", options[0], f"the only option left: {shown}{notes}", situation)
        log_s = {e.option: math.log(max(expected_latency_s(e, situation), _LEAST_S)) for e in options}
        leader = min(options, key=lambda e: log_s[e.option])
        chosen, propensity = leader, 0.0
        draw, drawn = self._rng.random(), 0.0
        for challenger in options:
            if challenger is leader:
                continue
            sd = math.hypot(beliefs[leader.option][1], beliefs[challenger.option][1])
            wins = _below((log_s[leader.option] - log_s[challenger.option]) / sd) / (len(options) - 1)
            if drawn <= draw < drawn + wins:
                chosen, propensity = challenger, wins
            drawn += wins
        explored = chosen is not leader
        if not explored:
            propensity = 1.0 - drawn
        why = f"tried, though {leader.option} is likely faster" if explored else "likely the fastest"
        reason = f"{chosen.option}, {why} (drawn with {propensity:.1%}), of {shown}{notes}"
        return replace(decision("bandit", chosen, reason, situation), propensity=propensity, explored=explored)

    def learn(self, decision: Decision, outcomes: Iterable[Outcome]) -> None:
        self._step += 1
        for outcome in outcomes:
            estimate = decision.predicted.get(outcome.option)
            if estimate is None or not 0.0 < outcome.latency_s < math.inf:
                continue
            self._now_s = max(self._now_s, outcome.started_s + outcome.latency_s)
            spread = _spread(estimate)
            median_s = max(estimate.latency.mean_s, _LEAST_S) * math.exp(-0.5 * spread * spread)
            value = math.log(outcome.latency_s / median_s)
            ratio = self._ratios.setdefault(outcome.option, LogRatio())
            if outcome.censored:
                ratio.add_above(value, spread, self._step, self._now_s)
            elif outcome.status == "success":
                ratio.add(value, spread, self._step, self._now_s)

    def _belief(self, estimate: Estimate, now_s: float) -> tuple[float, float]:
        ratio = self._ratios.get(estimate.option) or LogRatio()
        return ratio.mean_sd(_spread(estimate), self._step, now_s)


def _spread(estimate: Estimate) -> float:
    """Return the standard deviation of the logarithm of the predicted time."""
    latency = estimate.latency
    return math.sqrt(math.log1p((latency.sd_s / max(latency.mean_s, _LEAST_S)) ** 2))


def _below(z: float) -> float:
    """Return Φ(z) of the standard normal distribution."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
