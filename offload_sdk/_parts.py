"""The parts of an `Offloader`, and the chores that need several of them at once. Builds none of them."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from offload_sdk._types import Decision, Estimate, ImageInfo, Outcome, Profile, Snapshot
from offload_sdk._version import __version__
from offload_sdk.estimate import Backlog, Job, Prices, RemoteEstimator, outcome_cost_usd, outcome_energy
from offload_sdk.execute.circuit import Circuit, tell_circuit
from offload_sdk.learn import learn, learn_probe
from offload_sdk.typing import Clock, Estimator, Executor, LearningPolicy, Log, Picture, Policy

if TYPE_CHECKING:
    from offload_sdk._config import EndpointConfig, OffloadConfig
    from offload_sdk.execute.workers import Workers
    from offload_sdk.measure.monitor import Monitor
    from offload_sdk.measure.prober import LinkProber
    from offload_sdk.model import Classifier, ModelFile, TaskModel

__all__ = ["Parts", "Side"]

_logger = logging.getLogger("offload_sdk")
_CLOSING_S = 2.0  # is waited for runs in the background


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One option: its estimator, its executor and, for an endpoint, its circuit and prices.

    `workers` run it when it must not hold up the caller: as one half of a hedge.
    """

    name: str
    estimator: Estimator
    executor: Executor
    workers: Workers
    circuit: Circuit | None = None
    prices: Prices | None = None
    endpoint: EndpointConfig | None = None

    @property
    def s_per_byte(self) -> float | None:
        """What a byte takes on the way to the endpoint; None for the local path."""
        return self.estimator.link.s_per_byte if isinstance(self.estimator, RemoteEstimator) else None


class Parts:
    """What an `Offloader` is made of, and the chores that need several parts at once."""

    def __init__(
        self,
        *,
        config: OffloadConfig,
        sides: tuple[Side, ...],
        policy: Policy,
        log: Log,
        monitor: Monitor,
        prober: LinkProber | None,
        open_picture: Callable[[Any], Picture],
        shadows: Workers,
        profile: Profile,
        model: ModelFile | None,
        loaded: Classifier | TaskModel[Any] | None,
        lock: threading.Lock,
        clock: Clock,
        wall: Clock,
    ) -> None:
        self.sides = sides
        self.policy = policy
        self.learner = policy if isinstance(policy, LearningPolicy) else None
        self.log = log
        self.open_picture = open_picture
        self.shadows = shadows
        self.lock = lock  # guards estimators, policy, circuits and backlog
        self.backlog = Backlog()
        self.clock = clock
        self.wall = wall
        self.estimators: Mapping[str, Estimator] = {side.name: side.estimator for side in sides}
        self.by_name = {side.name: side for side in sides}
        self._config = config
        self._monitor = monitor
        self._prober = prober
        self._profile = profile
        self._model = model
        self._loaded = loaded
        self._refused: set[str] = set()  # endpoints of which it has been told that images do not go there

    def snapshot(self) -> Snapshot:
        """Return the latest reading of the device; costs a reference."""
        return self._monitor.snapshot

    def begin(self, side: Side, expected: Estimate, budget_s: float | None, *, insist: bool = False) -> Job | None:
        """Note that an option is started; None if it should not be, as its circuit refuses (unless `insist`).

        Of several images that meet a half-open circuit, one gets its leave. `settle` or `drop` must follow.
        """
        now_s = self.clock()
        with self.lock:
            if side.circuit is not None:
                allowed = side.circuit.begin(now_s, budget_s or self._config.remote_timeout_s)
                if not allowed and not insist:
                    return None
            return self.backlog.begun(expected, now_s, s_per_byte=side.s_per_byte)

    def drop(self, side: Side, job: Job) -> None:
        """Take back `begin`: what was run, or queued, told nothing of the option."""
        with self.lock:
            self.backlog.ended(job, self.clock())
            if side.circuit is not None:
                side.circuit.abandon()

    def settle(self, side: Side, outcome: Outcome, job: Job | None = None) -> Outcome:
        """Tell backlog and circuit how an attempt ended; return the outcome with its energy and money."""
        if outcome.error_kind in ("auth", "redaction") and side.name not in self._refused:
            self._refused.add(side.name)
            _logger.warning("%s: %s; such images are classified elsewhere", side.name, outcome.error)
        was_down = down = False
        with self.lock:
            if job is not None:
                self.backlog.ended(job, self.clock(), answered=outcome.status == "success")
            if side.circuit is not None:
                was_down = side.circuit.is_open
                tell_circuit(side.circuit, outcome)
                down = side.circuit.is_open
        if self._prober is not None and down != was_down:
            self._prober.set_down(side.name, down)
            self._monitor.poke()
        energy_j, source = outcome_energy(self._profile, outcome, side.s_per_byte)
        cost_usd = outcome_cost_usd(side.prices, outcome, energy_j, self._config.usd_per_kwh)
        return replace(outcome, energy_j=energy_j, energy_source=source, cost_usd=cost_usd)

    def learn(self, decision: Decision, outcomes: Sequence[Outcome], image: ImageInfo, snapshot: Snapshot) -> None:
        """Learn from what became of an image, and tell the prober which links were just measured anyway.

        A fault of a plug-in must not cost the answer that is there.
        """
        try:
            with self.lock:
                learn(self.estimators, self.learner, decision, outcomes, image, snapshot)
        except Exception:
            _logger.exception("learning from an image failed")
        if self._prober is not None:
            for outcome in outcomes:
                if outcome.path == "remote" and outcome.status == "success":
                    self._prober.sample_seen(outcome.option, self.clock())

    def image_seen(self, decision: Decision) -> None:
        """Give the prober its budget for this image."""
        if self._prober is not None:
            self._prober.image_seen(max(e.payload_bytes for e in decision.predicted.values()), self.clock())

    def probe_seen(self, outcome: Outcome) -> None:
        """Take a probe's outcome from the background thread: it may close a circuit, and it teaches."""
        settled = self.settle(self.by_name[outcome.option], outcome)
        with self.lock:
            learn_probe(self.estimators, settled, self.snapshot())

    def status(self) -> dict[str, Any]:
        from offload_sdk._profile import board_name

        snapshot, now_s = self.snapshot(), self.clock()
        local = None
        if self._loaded is not None and self._model is not None:
            from offload_sdk.model import runtime_name

            local = {
                "model": self._model.name,
                "path": str(self._model.path),
                "runtime": runtime_name(),
                "threads": self._loaded.threads,
            }
        with self.lock:
            endpoints = [_endpoint_status(side, now_s) for side in self.sides if side.endpoint is not None]
        return {
            "version": __version__,
            "policy": self._config.policy,
            "local": local,
            "profile": {"board": board_name(), "calibrated": self._profile.measured},
            "device": {
                name: getattr(snapshot, name)
                for name in (
                    "battery_frac",
                    "on_mains",
                    "power_w",
                    "cpu_load_frac",
                    "temperature_c",
                    "throttled",
                    "signal_dbm",
                )
            },
            "endpoints": endpoints,
            "log": dict(self.log.status()),
            "home": str(self._config.home),
        }

    def close(self) -> None:
        """Close everything, each part whatever becomes of the others; the log last, since all write to it.

        Shadow runs and inferences end by themselves, within reason; what lingers on the network is cut short.
        """
        with contextlib.ExitStack() as closing:  # what is entered last comes first
            closing.callback(self.log.close)
            for side in self.sides:
                closing.callback(side.workers.join, _CLOSING_S)
                closing.callback(side.executor.close)
                if side.endpoint is None:  # an inference cannot be cut short
                    closing.callback(side.workers.join, _CLOSING_S)
            closing.callback(self.shadows.join, _CLOSING_S)
            for workers in (self.shadows, *(side.workers for side in self.sides)):
                closing.callback(workers.close)
            closing.callback(self._monitor.close)


def _endpoint_status(side: Side, now_s: float) -> dict[str, Any]:
    estimator = side.estimator
    status: dict[str, Any] = {
        "name": side.name,
        "url": side.endpoint.url if side.endpoint is not None else None,
        "in_service": side.circuit is None or not side.circuit.is_open,
        "unavailable": side.circuit.barred(now_s) if side.circuit is not None else None,
    }
    if isinstance(estimator, RemoteEstimator):
        status["rtt_s"] = estimator.link.rtt_s
        status["uplink_bytes_per_s"] = 1.0 / estimator.link.s_per_byte
        status["samples"] = estimator.link.samples
    return status
