"""Watching a link: every image predicted, then sent or not, then learned from. No scores."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from benchmarks.policies.contender import Attempt, AttemptStatus, Contender, Plan, View
from benchmarks.policies.engine import simulate
from benchmarks.policies.scene import HEADER_BYTES, Scene
from benchmarks.prediction.forecast import Forecast
from benchmarks.prediction.predictors import SDK, Predictor, Sdk, board
from offload_sdk._config import ProbeConfig
from offload_sdk._types import Outcome, OutcomeStatus
from offload_sdk.measure.probe_schedule import Probe, ProbeSchedule

__all__ = ["MOST_S", "PartTimes", "Sighting", "Watched", "Way", "watch"]

Way = Literal["closed", "open", "stale", "raced"]
MOST_S = 10.0
_SENT_WHEN_STALE = 10  # every so many-th
_STATUS: dict[AttemptStatus, OutcomeStatus] = {
    "success": "success",
    "timeout": "failed",
    "cancelled": "ignored",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One image: what was foretold by each predictor, and what it would take if sent on arrival, up to 10 s.

    `known` counts the uploads that had ended by then, the first so many of the `Watched.times`.
    """

    at_s: float
    size_bytes: int
    truth_s: float
    known: int
    forecasts: Mapping[str, Forecast]


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTimes:
    """Round trip, transfer and server of one upload: as the SDK foretold them, and as they were."""

    foretold_s: tuple[float, float, float]
    true_s: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """`times` are size and seconds of the uploads that ended, in the order in which they did."""

    sightings: Sequence[Sighting]
    parts: Sequence[PartTimes]
    times: Sequence[tuple[int, float]]


class _Watcher(Contender):
    def __init__(self, predictors: Mapping[str, Predictor], way: Way, seed: int) -> None:
        self._predictors = predictors
        self._way = way
        self._schedule: ProbeSchedule | None = None
        if way == "stale":
            probe = ProbeConfig()
            self._schedule = ProbeSchedule(
                ["remote"],
                interval_s=probe.interval_s,
                budget_frac=probe.budget_frac,
                start_bytes=probe.start_bytes,
                rng=random.Random(seed),
                now_s=0.0,
            )
        self._foretold: dict[int, tuple[tuple[float, float, float], float]] = {}
        self.sightings: list[Sighting] = []
        self.parts: list[PartTimes] = []
        self.times: list[tuple[int, float]] = []

    def plan(self, view: View) -> Plan:
        forecasts = {
            name: predictor.predict(view.size_bytes, view.now_s) for name, predictor in self._predictors.items()
        }
        self.sightings.append(
            Sighting(
                at_s=view.now_s,
                size_bytes=view.size_bytes,
                truth_s=min(view.truth().remote_s, MOST_S),
                known=len(self.times),
                forecasts=forecasts,
            )
        )
        if self._schedule is not None:
            self._schedule.images_seen(1, view.size_bytes + HEADER_BYTES, view.now_s)
            if view.index % _SENT_WHEN_STALE:
                return Plan(first="local")
        sdk = self._predictors[SDK]
        if isinstance(sdk, Sdk):
            self._foretold[view.index] = (sdk.parts_s(view.size_bytes, view.now_s), view.rtt_s)
        return Plan(first="remote", budget_s=MOST_S, second_after_s=0.0 if self._way == "raced" else None)

    def learn(self, attempt: Attempt) -> None:
        if attempt.path == "local":
            return
        assert attempt.index is not None
        if self._schedule is not None and attempt.status == "success":
            self._schedule.sample_seen("remote", attempt.started_s + attempt.latency_s)
        self._tell(_outcome(attempt, probe=False))
        self.times.append((attempt.sent_bytes, attempt.latency_s))
        foretold = self._foretold.pop(attempt.index, None)
        if foretold is not None and attempt.status == "success":
            parts_s, rtt_s = foretold
            transfer_s = attempt.latency_s - attempt.compute_s - (attempt.connect_s or 0.0) - rtt_s
            self.parts.append(
                PartTimes(foretold_s=parts_s, true_s=(rtt_s, max(transfer_s, 0.0), attempt.compute_s))
            )

    def wake_s(self, now_s: float) -> float | None:
        return None if self._schedule is None else self._schedule.wake_s(now_s)

    def start_probe(self, now_s: float) -> Probe | None:
        return None if self._schedule is None else self._schedule.start(now_s)

    def probe_ended(self, probe: Probe, attempt: Attempt, spent_bytes: int) -> None:
        assert self._schedule is not None
        success, ended_s = attempt.status == "success", attempt.started_s + attempt.latency_s
        self._schedule.finish(probe, spent_bytes=spent_bytes, success=success, now_s=ended_s)
        self._tell(_outcome(attempt, probe=True, ping=probe.upload_bytes is None))

    def _tell(self, outcome: Outcome) -> None:
        for predictor in self._predictors.values():
            predictor.learn(outcome)


def watch(scene: Scene, predictors: Mapping[str, Predictor], way: Way) -> Watched:
    """Let the predictors watch the scene's link, all of them the same exchanges."""
    watcher = _Watcher(predictors, way, scene.seed)
    simulate(scene, watcher, board())
    return Watched(sightings=watcher.sightings, parts=watcher.parts, times=watcher.times)


def _outcome(attempt: Attempt, *, probe: bool, ping: bool = False) -> Outcome:
    """What the SDK's remote executor reports. A cancelled upload says only that it takes longer."""
    connect_s = attempt.connect_s or 0.0
    timings = {"network": attempt.latency_s - connect_s}
    if attempt.status == "success":
        timings["network"] -= attempt.compute_s
        if not ping:
            timings["server"] = attempt.compute_s
        if attempt.connect_s is not None:
            timings["connect"] = connect_s
    return Outcome(
        option="remote",
        path="remote",
        status=_STATUS[attempt.status],
        role="probe" if probe else "answer",
        started_s=attempt.started_s,
        latency_s=attempt.latency_s,
        censored=attempt.status != "success",
        timings=timings,
        cold=attempt.connect_s is not None,
        sent_bytes=attempt.sent_bytes,
        error_kind="timeout" if attempt.status == "timeout" else None,
    )
