"""The direct method's model: recorded predictions, put right by how runs near in time came out. Pure.

It knows options, not policies: what a plan makes of the times it gives is `plan.settle`'s.
"""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from offload_sdk._types import Estimate
from offload_sdk.replay.case import Case, Run

__all__ = ["DRAWS", "Model"]

DRAWS = 8  # runs that speak for one image: few, to stay near in time; their scatter averages out over the images


@dataclass(frozen=True, slots=True)
class _Ratio:
    """One run over its prediction. `energy` None: one of the two is unknown."""

    time: float
    energy: float | None
    cost: float
    sent: float
    answered: bool = True
    censored: bool = False


@dataclass(slots=True)
class _History:
    """The runs of one option in the order of the log."""

    places: list[int] = field(default_factory=list)
    ratios: list[_Ratio] = field(default_factory=list)
    whole: list[_Ratio] = field(default_factory=list)  # those that were not stopped, by their time

    def complete(self, rng: random.Random) -> None:
        """Replace every stopped run by one that took longer; where there is none it counts as failed then."""
        self.whole = sorted((ratio for ratio in self.ratios if not ratio.censored), key=lambda ratio: ratio.time)
        for number, ratio in enumerate(self.ratios):
            if ratio.censored and (longer := self.longer(ratio.time)):
                self.ratios[number] = rng.choice(longer)

    def longer(self, bound: float) -> list[_Ratio]:
        """Return the whole runs that took longer than `bound` times their prediction."""
        return self.whole[bisect_right(self.whole, bound, key=lambda ratio: ratio.time) :]


class Model:
    """For each image, `DRAWS` joint draws of what every option would have taken.

    What the image's own decision showed is taken as it is. A draw of any other option scales the image's own
    prediction by observed / predicted of another run of that option, one of the nearest before and after it: so
    the model follows conditions that the predictions lag behind. The n-th nearest runs of the options form one
    draw, which keeps what they have in common when both ran for the same image. A run that was stopped ("longer
    than c") stands for those that took longer than it, each as likely as the other: Efron's redistribution to
    the right (1967), the same as the Kaplan-Meier estimate. An option that never ran is taken as predicted.
    """

    def __init__(self, cases: Sequence[Case], seed: int) -> None:
        self._cases = cases
        self._histories: dict[str, _History] = {}
        for place, case in enumerate(cases):
            for option, run in case.runs.items():
                predicted = case.decision.predicted.get(option)
                if predicted is not None and predicted.latency_mean_s > 0.0:
                    history = self._histories.setdefault(option, _History())
                    history.places.append(place)
                    history.ratios.append(_ratio(run, predicted))
        rng = random.Random(seed)
        for history in self._histories.values():
            history.complete(rng)

    @property
    def unseen(self) -> list[str]:
        """The options that never ran."""
        options = {estimate.option for case in self._cases for estimate in case.situation.estimates}
        return sorted(options - self._histories.keys())

    def draws(self, place: int) -> list[Mapping[str, Run]]:
        """Return what every option would have taken for the image at `place`, `DRAWS` times.

        Shadow runs of the image itself are left out, and where its choice was drawn by lot so is what came of
        it: what chance showed is there to correct the model, and must not be the model.
        """
        case = self._cases[place]
        told = case.own if case.decision.propensity == 1.0 else {}
        columns = {e.option: self._column(e, place, told.get(e.option)) for e in case.situation.estimates}
        return [{option: column[number] for option, column in columns.items()} for number in range(DRAWS)]

    def _column(self, estimate: Estimate, place: int, told: Run | None) -> list[Run]:
        if told is not None and not told.censored:
            return [told] * DRAWS
        history = self._histories.get(estimate.option)
        near = [] if history is None else _nearest(history, place)
        if told is not None and history is not None:
            bound = told.latency_s / estimate.latency_mean_s
            near = [ratio for ratio in near if ratio.time > bound] or history.longer(bound)
            if not near:
                return [told._replace(censored=False)] * DRAWS
        if not near:
            return [_as_predicted(estimate, (number + 0.5) / DRAWS) for number in range(DRAWS)]
        runs = [_scaled(estimate, ratio) for ratio in near]
        return [runs[number % len(runs)] for number in range(DRAWS)]


def _nearest(history: _History, place: int) -> list[_Ratio]:
    """Return the ratios of the runs nearest to an image, its own left out, the nearest first."""
    places = history.places
    after = bisect_left(places, place)
    before = after - 1
    if after < len(places) and places[after] == place:
        after += 1
    found: list[_Ratio] = []
    while len(found) < DRAWS and (before >= 0 or after < len(places)):
        if after >= len(places) or (before >= 0 and place - places[before] <= places[after] - place):
            found.append(history.ratios[before])
            before -= 1
        else:
            found.append(history.ratios[after])
            after += 1
    return found


def _ratio(run: Run, predicted: Estimate) -> _Ratio:
    energy = None
    if run.energy_j is not None and predicted.energy_j:
        energy = run.energy_j / predicted.energy_j
    return _Ratio(
        time=run.latency_s / predicted.latency_mean_s,
        energy=energy,
        cost=run.cost_usd / predicted.cost_usd if predicted.cost_usd else 1.0,
        sent=run.sent_bytes / predicted.payload_bytes if predicted.payload_bytes else 1.0,
        answered=run.answered,
        censored=run.censored,
    )


def _scaled(estimate: Estimate, ratio: _Ratio) -> Run:
    return Run(
        latency_s=estimate.latency_mean_s * ratio.time,
        answered=ratio.answered,
        energy_j=None if estimate.energy_j is None or ratio.energy is None else estimate.energy_j * ratio.energy,
        cost_usd=estimate.cost_usd * ratio.cost,
        sent_bytes=estimate.payload_bytes * ratio.sent,
    )


def _as_predicted(estimate: Estimate, share: float) -> Run:
    return Run(
        latency_s=estimate.latency.quantile_s(share),
        energy_j=estimate.energy_j,
        cost_usd=estimate.cost_usd,
        sent_bytes=estimate.payload_bytes,
    )
