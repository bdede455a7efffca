"""The policy `bandit`: learn how far each option's predictions are off, and try what may well be better."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import replace

from offload_sdk._types import Decision, Estimate, Outcome, Situation
from offload_sdk.decide.limits import Limits, within_limits
from offload_sdk.decide.options import decision, describe, expected_latency_s, open_options
from offload_sdk.decide.ratio import LogRatio

__all__ = ["Bandit"]

_LEAST_S = 1e-9  # of a time that is divided by


class Bandit:
    """Discounted Thompson sampling on the time until an answer, with the predictions as context, under limits.

    Per option it keeps a belief about log(observed / predicted), so the size of the image and the state of link
    and device are accounted for by the estimators, and what is learned is what they miss. The leader, the option
    of the least expected time so corrected, plays against one challenger, drawn evenly among the others: each
    option's time is drawn from its belief, the lesser wins. Of two Gaussians on the log scale that is
    P(challenger wins) = Φ(−Δ / √(sd₁² + sd₂²)), so with two options this is Thompson sampling, and with any number
    the propensity is exact. Only options that keep the limits take part, the same as for `auto`; money and energy
    have no price here. One random number a decision, O(options).
    """

    def __init__(self, *, limits: Limits, rng: random.Random) -> None:
        self._limits = limits
        self._rng = rng
        self._ratios: dict[str, LogRatio] = {}
        self._step = 0
        self._now_s = 0.0

    def decide(self, situation: Situation) -> Decision:
        now_s = max(self._now_s, situation.snapshot.taken_s)
        options = open_options(situation)
        beliefs = {option.option: self._belief(option, now_s) for option in options}
        if situation.deadline_s is not None:
            options = tuple(_corrected(option, beliefs[option.option][0]) for option in options)
        kept, notes = within_limits(options, situation, self._limits)
        names = {option.option for option in kept}
        options = tuple(option for option in situation.estimates if option.option in names)
        shown = ", ".join(
            f"{describe(option)} × {math.exp(beliefs[option.option][0]):.2f} ± {beliefs[option.option][1]:.0%}"
            for option in options
        )
        if len(options) == 1:
            return decision("bandit", options[0], f"the only option left: {shown}{notes}", situation)
        log_s = [
            math.log(max(expected_latency_s(option, situation), _LEAST_S)) + beliefs[option.option][0]
            for option in options
        ]
        place, leader, propensity = self._draw(log_s, [beliefs[option.option][1] for option in options])
        chosen = options[place]
        explored = place != leader
        why = f"tried though {options[leader].option} is likely faster" if explored else "likely the fastest"
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
            log_median = math.log(max(estimate.latency.mean_s, _LEAST_S)) - 0.5 * spread * spread
            value = math.log(outcome.latency_s) - log_median
            ratio = self._ratios.setdefault(outcome.option, LogRatio())
            if outcome.censored:
                ratio.add_above(value, spread, self._step, self._now_s)
            elif outcome.status == "success":
                ratio.add(value, spread, self._step, self._now_s)

    def _belief(self, estimate: Estimate, now_s: float) -> tuple[float, float]:
        ratio = self._ratios.get(estimate.option) or LogRatio()
        return ratio.mean_sd(_spread(estimate), self._step, now_s)

    def _draw(self, log_s: Sequence[float], sds: Sequence[float]) -> tuple[int, int, float]:
        """Return the place of the winner, that of the leader, and the probability of this winner."""
        leader = min(range(len(log_s)), key=log_s.__getitem__)
        draw, drawn = self._rng.random(), 0.0
        winner, propensity = leader, 0.0
        for place, mean in enumerate(log_s):
            if place == leader:
                continue
            wins = _below((log_s[leader] - mean) / math.hypot(sds[leader], sds[place])) / (len(log_s) - 1)
            if drawn <= draw < drawn + wins:
                winner, propensity = place, wins
            drawn += wins
        return (winner, leader, propensity) if winner != leader else (leader, leader, 1.0 - drawn)


def _spread(estimate: Estimate) -> float:
    """Return the standard deviation of the logarithm of the predicted time."""
    latency = estimate.latency
    return math.sqrt(math.log1p((latency.sd_s / max(latency.mean_s, _LEAST_S)) ** 2))


def _corrected(estimate: Estimate, log_ratio: float) -> Estimate:
    return replace(estimate, latency=estimate.latency.times(math.exp(log_ratio)))


def _below(z: float) -> float:
    """Return Φ(z) of the standard normal distribution."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))
