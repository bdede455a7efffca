"""The SDK's own loop in the simulation: its estimators, policies, circuit and probes, unchanged.

What stands in the threads and sockets of the live loop is repeated here: the order of the calls.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.policies.contender import Attempt, Contender, Plan, View
from offload_sdk._config import AutoConfig, CircuitConfig, OffloadConfig, ProbeConfig
from offload_sdk._types import (
    Decision,
    ImageInfo,
    Label,
    OptionPath,
    Outcome,
    OutcomeRole,
    Payload,
    Profile,
    Situation,
    Snapshot,
)
from offload_sdk.decide import policy_by_name
from offload_sdk.estimate import Backlog, Job, LocalEstimator, Prices, RemoteEstimator
from offload_sdk.estimate.pixels import PixelTime
from offload_sdk.execute.circuit import Circuit, tell_circuit
from offload_sdk.execute.patience import lingering_s, patience_s
from offload_sdk.learn import learn, learn_probe
from offload_sdk.measure.probe_schedule import Probe, ProbeSchedule
from offload_sdk.typing import Estimator, LearningPolicy, Policy

__all__ = ["HedgeAtP90", "Sdk"]

_REMOTE_TIMEOUT_S: float = OffloadConfig.model_fields["remote_timeout_s"].default
_LABELS = (Label(name="", probability=1.0, index=0),)
_SIDE_PX = 256
_UNKNOWN = Snapshot(taken_s=0.0)


class Sdk(Contender):
    """`Offloader` with the default settings and one endpoint; `policy` None is the policy `auto`."""

    def __init__(
        self,
        profile: Profile,
        payload_bytes: int,
        seed: int,
        policy: Policy | None = None,
        *,
        duplicates_frac: float = AutoConfig().duplicates_frac,
    ) -> None:
        decode = PixelTime({"": 0.0}, base_s=1e-6)
        self.local = LocalEstimator(profile, decode, cores=4)
        as_it_is = Payload(side_px=_SIDE_PX, quality=90, expected_bytes=100 * payload_bytes)
        self.remote = RemoteEstimator("remote", profile, decode, prices=Prices(), payloads=(as_it_is,))
        self._estimators: dict[str, Estimator] = {"local": self.local, "remote": self.remote}
        auto = AutoConfig(duplicates_frac=duplicates_frac)
        self._policy = policy or policy_by_name("auto", **auto.model_dump())
        self._learner = self._policy if isinstance(self._policy, LearningPolicy) else None
        circuit, probe = CircuitConfig(), ProbeConfig()
        rng = random.Random(seed)
        self.circuit = Circuit(
            failures=circuit.failures,
            cooldown_s=circuit.cooldown_s,
            max_cooldown_s=circuit.max_cooldown_s,
            probed=True,
            rng=rng,
        )
        self._schedule = ProbeSchedule(
            ["remote"],
            interval_s=probe.interval_s,
            budget_frac=probe.budget_frac,
            start_bytes=probe.start_bytes,
            rng=rng,
            now_s=0.0,
        )
        self._backlog = Backlog()
        self._jobs: dict[tuple[int, OptionPath], Job] = {}
        self._decisions: dict[int, Decision] = {}
        self._images: dict[int, ImageInfo] = {}
        self._ended: dict[int, list[Outcome]] = {}  # of images without an answer

    def plan(self, view: View) -> Plan:
        # The picture is the payload: its size is known, and there is nothing to decode.
        image = ImageInfo(format="JPEG", width=_SIDE_PX, height=_SIDE_PX, encoded_bytes=view.size_bytes)
        decision = self._decide(image, view)
        self._decisions[view.index], self._images[view.index] = decision, image
        self._ended[view.index] = []
        if decision.path == "local":
            return Plan(first="local", explored=decision.explored)
        remote, local = decision.predicted["remote"], decision.predicted["local"]
        hedged = decision.second is not None
        waits_s = (
            lingering_s(remote, local, _REMOTE_TIMEOUT_S)
            if hedged
            else patience_s(remote, local, 0.0, None, _REMOTE_TIMEOUT_S)
        )
        self.circuit.begin(view.now_s, waits_s)
        return Plan(
            first="remote",
            budget_s=waits_s,
            second_after_s=decision.second_after_s,
            lingers=hedged,
            explored=decision.explored,
        )

    def started(self, path: OptionPath, index: int, now_s: float) -> None:
        expected = self._decisions[index].predicted[path]
        s_per_byte = self.remote.link.s_per_byte if path == "remote" else None
        self._jobs[index, path] = self._backlog.begun(expected, now_s, s_per_byte=s_per_byte)

    def dropped(self, index: int, now_s: float) -> None:
        self._backlog.ended(self._jobs.pop((index, "local")), now_s)

    def learn(self, attempt: Attempt) -> None:
        assert attempt.index is not None
        index, overtaken = attempt.index, attempt.status == "cancelled"
        decision = self._decisions[index]
        role: OutcomeRole = "hedge" if attempt.path == decision.second else "answer"
        outcome = _outcome(attempt, role)
        if not overtaken:  # else it is still on its way
            job, ended_s = self._jobs.pop((index, attempt.path)), attempt.started_s + attempt.latency_s
            self._backlog.ended(job, ended_s, answered=attempt.status == "success")
            outcome = self._settled(outcome)
        if index in self._ended:
            self._ended[index].append(outcome)
        else:  # what lost the race has come to its end
            learn(self._estimators, self._learner, decision, [outcome], self._images[index], _UNKNOWN)

    def answered(self, index: int, attempts: Sequence[Attempt], now_s: float) -> None:
        decision, outcomes = self._decisions[index], self._ended.pop(index)
        learn(self._estimators, self._learner, decision, outcomes, self._images[index], _UNKNOWN)
        self._schedule.images_seen(1, max(e.payload_bytes for e in decision.predicted.values()), now_s)
        if any(outcome.path == "remote" and outcome.status == "success" for outcome in outcomes):
            self._schedule.sample_seen("remote", now_s)

    def wake_s(self, now_s: float) -> float | None:
        return self._schedule.wake_s(now_s)

    def start_probe(self, now_s: float) -> Probe | None:
        return self._schedule.start(now_s)

    def probe_ended(self, probe: Probe, attempt: Attempt, spent_bytes: int) -> None:
        outcome = _outcome(attempt, "probe", answers=probe.upload_bytes is not None)
        ended_s = attempt.started_s + attempt.latency_s
        self._schedule.finish(probe, spent_bytes=spent_bytes, success=outcome.status == "success", now_s=ended_s)
        learn_probe(self._estimators, self._settled(outcome), _UNKNOWN)

    def _decide(self, image: ImageInfo, view: View) -> Decision:
        why = self.circuit.barred(view.now_s)
        return self._policy.decide(
            Situation(
                estimates=tuple(
                    estimator.estimate(image, _UNKNOWN, view.now_s).after(self._backlog.wait_s(name, view.now_s))
                    for name, estimator in self._estimators.items()
                ),
                snapshot=_UNKNOWN,
                image=image,
                unavailable={} if why is None else {"remote": why},
            )
        )

    def _settled(self, outcome: Outcome) -> Outcome:
        if outcome.path == "local":
            return outcome
        was_down = self.circuit.is_open
        tell_circuit(self.circuit, outcome)
        if self.circuit.is_open != was_down:
            self._schedule.set_down("remote", not was_down, outcome.started_s + outcome.latency_s)
        return outcome


class HedgeAtP90(Sdk):
    """What `auto` would choose without duplicates, but when an answer passes its p90 the device starts too."""

    def __init__(self, profile: Profile, payload_bytes: int, seed: int) -> None:
        super().__init__(profile, payload_bytes, seed, duplicates_frac=0.0)

    def _decide(self, image: ImageInfo, view: View) -> Decision:
        decision = super()._decide(image, view)
        if decision.path == "local":
            return decision
        after_s = decision.predicted["remote"].latency_p90_s
        return replace(decision, second="local", second_after_s=after_s)


def _outcome(attempt: Attempt, role: OutcomeRole, *, answers: bool = True) -> Outcome:
    """Return what the executors of the SDK would have reported. A ping has no labels."""
    if attempt.path == "local":
        return Outcome(
            option="local",
            path="local",
            status="success",
            role=role,
            started_s=attempt.started_s,
            latency_s=attempt.latency_s,
            timings={"wait": attempt.wait_s, "infer": attempt.compute_s},
            labels=_LABELS,
        )
    success = attempt.status == "success"
    connect_s = attempt.connect_s or 0.0
    timings = {"network": attempt.latency_s}
    if success:
        timings["network"] = attempt.latency_s - connect_s - attempt.compute_s
        if answers:
            timings["server"] = attempt.compute_s
        if attempt.connect_s is not None:
            timings["connect"] = connect_s
    kind = {"success": None, "timeout": "timeout", "cancelled": "cancelled"}[attempt.status]
    return Outcome(
        option="remote",
        path="remote",
        status="success" if success else "failed" if attempt.status == "timeout" else "ignored",
        role=role,
        started_s=attempt.started_s,
        latency_s=attempt.latency_s,
        censored=not success,
        timings=timings,
        cold=attempt.connect_s is not None,
        sent_bytes=attempt.sent_bytes,
        error_kind=kind,
        labels=_LABELS if success and role != "probe" else (),
    )
