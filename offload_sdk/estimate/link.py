"""The link to an endpoint: what a request of n bytes will take on an established connection. Nothing else."""

from __future__ import annotations

import math

from offload_sdk._latency import Mode
from offload_sdk.estimate.affine import AffineFilter
from offload_sdk.estimate.habit import Habit
from offload_sdk.estimate.spread import Spread

__all__ = ["LinkFilter"]

# All constants were chosen on recorded links; `python -m benchmarks.policies` compares.
_STEADY_DRIFT, _LIVELY_DRIFT = 0.2, 0.8  # of the logarithms, in one second without a sample
_SPLIT_SD, _SPLIT_SHARE = 1.5, 0.4  # rates differ and change by orders of magnitude, round trips by less
_STEADY_PRIOR = 0.74
_FORGET = 0.6  # of the evidence for either filter, per sample
_MOST_EVIDENCE = 5.0  # of one sample, in natural logarithms
_LEAST_WEIGHT = 0.02
_LEAST_SD = 0.03  # below it a sample's likelihood is more luck than evidence
_STALL_FACTOR, _STALL_BEYOND_S = 2.5, 0.05  # slower than predicted by both is a stall …
_STALL_SDS = 2.5  # … and so is what was given up so far beyond
_STALLS_AT_FIRST, _LEAST_STALLS, _MOST_STALLS = 0.02, 0.001, 0.3  # share of requests
_STALLS_GAIN = 0.05
_SHORT_STALL_S = 0.3
_LEAST_STALL_S = 0.1
_MOST_STALLED = 0.97
_STALL_LOG_SD = 1.2
_BODY_BYTES = 2000.0  # a request of less tells nothing of the rate
_MEMORY_S = 10.0  # after so long without a body sent, the link may be as it usually is
_MOST_USUAL = 0.6


class LinkFilter:
    """A request of n bytes takes `rtt_s + n · s_per_byte`, in one of four ways.

    *Steady* and *lively* are two filters of the same affine law that believe in different drifts: the first
    averages noise away, the second follows a change at once. Their weights follow how well each has predicted
    lately (Bayesian model averaging with forgetting). *Usual* gains weight while no body is sent: a link that was
    bad is not believed bad for ever, since what is bad is not used, and what is not used is not measured.
    *Stalled* is a state of its own, since nothing is to be learned of a rate from a link that stands still: a
    stall begins with a request that is overdue; if the longest has waited for `age`, it is over dt later with
    probability dt / (age + dt) (Gott's rule for a delay of unknown scale). Any answer ends it. Without a stall
    in sight the share of requests that met one lately is expected to meet the next.

    How much of a time is round trip and how much transfer does not matter while all uploads are alike, and these
    two cannot tell. `rtt_s` and `s_per_byte` come from a third filter that blames the rate first: what another
    payload would take hangs on them.
    """

    __slots__ = (
        "_evidence",
        "_habit",
        "_lively",
        "_lively_spread",
        "_sent_s",
        "_split",
        "_stall_s",
        "_stalled_at_s",
        "_stalls",
        "_steady",
        "_steady_spread",
        "samples",
    )

    def __init__(self, *, rtt_s: float, s_per_byte: float, sd: float = 0.8) -> None:
        """`sd` is the standard deviation of the logarithms of both values given."""
        self._steady = AffineFilter(rtt_s, s_per_byte, sd=sd, drift_per_sqrt_s=_STEADY_DRIFT)
        self._lively = AffineFilter(rtt_s, s_per_byte, sd=sd, drift_per_sqrt_s=_LIVELY_DRIFT)
        self._steady_spread, self._lively_spread = Spread(), Spread()
        self._habit = Habit(rtt_s, s_per_byte, sd)
        self._sent_s: float | None = None  # when the last body arrived
        self._split = AffineFilter(
            rtt_s, s_per_byte, sd=_SPLIT_SD * sd, drift_per_sqrt_s=_STEADY_DRIFT, fixed_share=_SPLIT_SHARE
        )
        self._evidence = 0.0  # for the steady filter over the lively one, a logarithm
        self._stalls = _STALLS_AT_FIRST
        self._stalled_at_s: float | None = None  # when a stall was last seen, if one is in sight
        self._stall_s = 0.0  # the longest that a request has waited in it
        self.samples = 0

    @property
    def rtt_s(self) -> float:
        """Round-trip time, s."""
        return self._split.fixed_s

    @property
    def s_per_byte(self) -> float:
        """Seconds per byte, as far as sizes and pings tell it from the round trip."""
        return self._split.s_per_unit

    def modes(self, size_bytes: float, now_s: float) -> tuple[Mode, ...]:
        """Return the law of the time of a request now: steady, lively, usual, stalled."""
        (steady, steady_sd), (lively, lively_sd) = self._predict(size_bytes, now_s)
        usual, usual_sd = self._habit.log_moments(size_bytes)
        stalled, age_s = self._stall(now_s)
        silence_s = 0.0 if self._sent_s is None else max(now_s - self._sent_s, 0.0)
        as_usual = _MOST_USUAL * (1.0 - math.exp(-silence_s / _MEMORY_S))
        weight, going = self._steady_weight(), 1.0 - stalled
        known = going * (1.0 - as_usual)
        typical_s = weight * self._steady.median_s(size_bytes) + (1.0 - weight) * self._lively.median_s(size_bytes)
        return (
            Mode(known * weight, steady, steady_sd),
            Mode(known * (1.0 - weight), lively, lively_sd),
            Mode(going * as_usual, usual, usual_sd),
            Mode(stalled, math.log(typical_s + age_s), _STALL_LOG_SD),
        )

    def update(self, size_bytes: float, seconds: float, now_s: float) -> None:
        """Learn from a request that was answered at `now_s` after `seconds`."""
        log_s = math.log(max(seconds, 1e-6))
        (steady, steady_sd), (lively, lively_sd) = self._predict(size_bytes, now_s)
        self._weigh(_log_density(log_s, steady, steady_sd) - _log_density(log_s, lively, lively_sd))
        least_s = math.exp(min(steady, lively))
        stalled = seconds > _STALL_FACTOR * least_s and seconds > least_s + _STALL_BEYOND_S
        self._stalls += _STALLS_GAIN * ((1.0 if stalled else 0.0) - self._stalls)
        self._stalls = min(max(self._stalls, _LEAST_STALLS), _MOST_STALLS)
        self._stalled_at_s, self._stall_s = None, 0.0
        sent = size_bytes >= _BODY_BYTES
        if sent and not stalled:  # a ping tells how well round trips are foretold, which is not what matters
            self._steady_spread.add(log_s - steady, steady_sd)
            self._lively_spread.add(log_s - lively, lively_sd)
        self._steady.update(size_bytes, seconds, now_s)
        self._lively.update(size_bytes, seconds, now_s)
        self._split.update(size_bytes, seconds, now_s)
        self._habit.add(self._lively.fixed_s, self._lively.s_per_unit if sent else None)
        if sent:
            self._sent_s = now_s
        self.samples += 1

    def longer_than(self, size_bytes: float, seconds: float, now_s: float) -> None:
        """Learn from a request that had no answer by `now_s`, after `seconds`."""
        log_s = math.log(max(seconds, 1e-6))
        (steady, steady_sd), (lively, lively_sd) = self._predict(size_bytes, now_s - seconds)
        self._weigh(_log_survival(log_s, steady, steady_sd) - _log_survival(log_s, lively, lively_sd))
        beyond = min(log_s - steady, log_s - lively) > math.log(_STALL_FACTOR)
        if beyond or (log_s > steady + _STALL_SDS * steady_sd and log_s > lively + _STALL_SDS * lively_sd):
            self._stalled_at_s = max(self._stalled_at_s or now_s, now_s)
            self._stall_s = max(self._stall_s, seconds)

    def loosen(self) -> None:
        """Forget how sure the rates are: after an outage the next sample decides."""
        self._steady.loosen()
        self._lively.loosen()
        self._split.loosen()

    def _steady_weight(self) -> float:
        odds = _STEADY_PRIOR / (1.0 - _STEADY_PRIOR) * math.exp(self._evidence)
        return min(max(odds / (1.0 + odds), _LEAST_WEIGHT), 1.0 - _LEAST_WEIGHT)

    def _weigh(self, evidence: float) -> None:
        evidence = min(max(evidence, -_MOST_EVIDENCE), _MOST_EVIDENCE)
        self._evidence = _FORGET * self._evidence + evidence

    def _stall(self, now_s: float) -> tuple[float, float]:
        """Return the probability that the link stands still, and for how long it has, or would."""
        if self._stalled_at_s is None:
            return self._stalls, _SHORT_STALL_S
        age_s = max(self._stall_s, _LEAST_STALL_S)
        since_s = max(now_s - self._stalled_at_s, 0.0)
        return min(max(age_s / (age_s + since_s), self._stalls), _MOST_STALLED), age_s + since_s

    def _predict(self, size_bytes: float, now_s: float) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return mean and standard deviation of the logarithm of the time, by the steady and the lively filter."""
        steady, steady_variance = self._steady.log_moments(size_bytes, now_s, self._steady_spread.factor**2)
        lively, lively_variance = self._lively.log_moments(size_bytes, now_s, self._lively_spread.factor**2)
        return (steady, math.sqrt(steady_variance)), (lively, math.sqrt(lively_variance))


def _log_density(log_s: float, mean: float, sd: float) -> float:
    sd = max(sd, _LEAST_SD)
    deviation = (log_s - mean) / sd
    return -0.5 * deviation * deviation - math.log(sd)


def _log_survival(log_s: float, mean: float, sd: float) -> float:
    return math.log(max(0.5 * math.erfc((log_s - mean) / (max(sd, _LEAST_SD) * math.sqrt(2.0))), 1e-9))
