"""From the settings to the parts of an `Offloader`: which model, estimators, executors, policy, log, monitor.

The only file that knows every stage's implementation. It decides nothing about images.
"""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from offload_sdk._cores import usable_cores
from offload_sdk._types import Decision, Outcome, Profile, Record, Snapshot
from offload_sdk._version import __version__
from offload_sdk.errors import ConfigurationError
from offload_sdk.estimate import LocalEstimator, Prices, RemoteEstimator, outcome_cost_usd, outcome_energy
from offload_sdk.estimate.pixels import PixelTime
from offload_sdk.learn import learn_probe
from offload_sdk.typing import Clock, DeviceProbe, Estimator, Executor, LearningPolicy, Log, Picture, Policy

if TYPE_CHECKING:
    from offload_sdk._config import EndpointConfig, OffloadConfig
    from offload_sdk.execute.circuit import Circuit
    from offload_sdk.execute.workers import Workers
    from offload_sdk.measure.monitor import Monitor
    from offload_sdk.measure.prober import LinkProber
    from offload_sdk.model import Classifier, ModelFile

__all__ = ["Parts", "Side", "assemble"]

_logger = logging.getLogger("offload_sdk")
_DECODE_BASE_S = 0.0005
_SHADOW_BACKLOG = 4  # pictures that may wait in memory for their other path to be run
_HANDSHAKE_RTTS = {"http": 1.0, "https": 2.0}  # TCP; TCP and TLS 1.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One option: its estimator, its executor and, for an endpoint, its circuit and prices."""

    name: str
    estimator: Estimator
    executor: Executor
    circuit: Circuit | None = None
    prices: Prices | None = None
    endpoint: EndpointConfig | None = None


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
        classifier: Classifier | None,
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
        self.lock = lock
        self.clock = clock
        self.wall = wall
        self.estimators: Mapping[str, Estimator] = {side.name: side.estimator for side in sides}
        self._by_name = {side.name: side for side in sides}
        self._config = config
        self._monitor = monitor
        self._prober = prober
        self._profile = profile
        self._model = model
        self._classifier = classifier

    def snapshot(self) -> Snapshot:
        """Return the latest reading of the device; costs a reference."""
        return self._monitor.snapshot

    def settle(self, side: Side, outcome: Outcome) -> Outcome:
        """Tell the circuit how an attempt ended; return the outcome with its energy and money."""
        if side.circuit is not None:
            with self.lock:
                was_down = side.circuit.is_open
                _tell_circuit(side.circuit, outcome)
                down = side.circuit.is_open
            if self._prober is not None and down != was_down:
                self._prober.set_down(side.name, down)
                self._monitor.poke()
        link = side.estimator.link if isinstance(side.estimator, RemoteEstimator) else None
        energy_j, source = outcome_energy(self._profile, outcome, link.s_per_byte if link is not None else None)
        priced = replace(outcome, energy_j=energy_j, energy_source=source)
        return replace(priced, cost_usd=outcome_cost_usd(side.prices, priced, self._config.usd_per_kwh))

    def image_seen(self, decision: Decision, outcomes: Iterable[Outcome]) -> None:
        """Give the prober its budget for this image, and tell it which links were just measured anyway."""
        if self._prober is None:
            return
        now_s = self.clock()
        self._prober.image_seen(max(e.payload_bytes for e in decision.predicted.values()), now_s)
        for outcome in outcomes:
            if outcome.path == "remote" and outcome.status == "success":
                self._prober.sample_seen(outcome.option, now_s)

    def probe_seen(self, outcome: Outcome) -> None:
        """Take a probe's outcome from the background thread: it may close a circuit, and it teaches."""
        settled = self.settle(self._by_name[outcome.option], outcome)
        with self.lock:
            learn_probe(self.estimators, settled, self.snapshot())

    def status(self) -> dict[str, Any]:
        from offload_sdk._profile import board_name

        snapshot, now_s = self.snapshot(), self.clock()
        local = None
        if self._classifier is not None and self._model is not None:
            from offload_sdk.model import runtime_name

            local = {
                "model": self._model.name,
                "path": str(self._model.path),
                "runtime": runtime_name(),
                "threads": self._classifier.threads,
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
        """Close everything, each part whatever becomes of the others; the log last, since all write to it."""
        with contextlib.ExitStack() as closing:
            closing.callback(self.log.close)
            for side in self.sides:
                closing.callback(side.executor.close)
            closing.callback(self.shadows.join, 2.0)
            closing.callback(self.shadows.close)
            closing.callback(self._monitor.close)


class NoLog:
    """Keeps nothing: the log when logging is switched off."""

    def append(self, record: Record) -> None:
        pass

    def amend(self, request_id: str, outcomes: Iterable[Outcome]) -> None:
        pass

    def maintain(self) -> None:
        pass

    def status(self) -> Mapping[str, Any]:
        return {"enabled": False}

    def close(self) -> None:
        pass


def assemble(
    config: OffloadConfig,
    *,
    policy: Policy | None = None,
    probe: DeviceProbe | None = None,
    log: Log | None = None,
    clock: Clock = time.monotonic,
    wall: Clock = time.time,
) -> Parts:
    """Build every part that is not given. Raises `ConfigurationError` or `ModelError`; then nothing is left on."""
    from offload_sdk._profile import DEFAULT_MODEL, board_name, profile_for, reference_profile
    from offload_sdk.decide import Shadowed, policy_by_name
    from offload_sdk.execute.workers import Workers
    from offload_sdk.measure.device import Device
    from offload_sdk.measure.monitor import Monitor
    from offload_sdk.measure.prober import LinkProber
    from offload_sdk.model import InputSpec, PayloadOptions, PictureLimits, open_picture, resolve

    rng = random.Random(config.seed)
    model = resolve(config.model, config.models_dir) if config.local else None
    name = model.name if model else DEFAULT_MODEL
    try:
        profile = profile_for(config.profile_path, name, config.threads)
    except ConfigurationError as error:  # damaged by a power cut, say; the images go on
        _logger.warning("%s; published figures are used until then", error)
        profile = reference_profile(board_name(), model=name, threads=config.threads)
    classifier = None
    if model is not None:
        classifier, profile = _loaded(model, profile)
    spec = InputSpec() if model is None else model.spec
    limits = PictureLimits(max_bytes=config.limits.max_image_bytes, max_pixels=config.limits.max_pixels)
    payload = PayloadOptions(side_px=config.payload.side_px, quality=config.payload.quality)

    def open_one(image: Any) -> Picture:
        return open_picture(image, spec, limits=limits, payload=payload)

    decode = PixelTime(profile.decode_s_per_pixel, base_s=_DECODE_BASE_S)
    cores = usable_cores()
    sides: list[Side] = []
    if classifier is not None:
        sides.append(_local_side(classifier, profile, decode, cores, config, clock))
    payload_bytes = payload.expected_bytes(spec)
    sides.extend(
        _endpoint_side(e, profile, decode, payload_bytes, config, rng, clock) for e in config.all_endpoints
    )

    if policy is None:
        policy = policy_by_name(config.policy, **config.auto.model_dump())
    if config.log.shadow_rate > 0.0:
        policy = Shadowed(policy, config.log.shadow_rate, rng)
    if log is None:
        log = _log(config, clock, wall)
    links = {side.name: side.executor for side in sides if side.endpoint is not None}
    prober = None
    parts: list[Parts] = []
    if links and config.probe.enabled:
        prober = LinkProber(
            links,  # type: ignore[arg-type]  # a RemoteExecutor is a Link too
            report=lambda outcome: parts[0].probe_seen(outcome),
            interval_s=config.probe.interval_s,
            budget_frac=config.probe.budget_frac,
            start_bytes=config.probe.start_bytes,
            clock=clock,
            seed=config.seed,
        )
    monitor = Monitor(probe or Device(clock=clock), prober=prober, clock=clock)
    monitor.add_chore("upkeep of the log", log.maintain)
    parts.append(
        Parts(
            config=config,
            sides=tuple(sides),
            policy=policy,
            log=log,
            monitor=monitor,
            prober=prober,
            open_picture=open_one,
            shadows=Workers(1, "offload-shadow", backlog=_SHADOW_BACKLOG),
            profile=profile,
            model=model,
            classifier=classifier,
            lock=threading.Lock(),
            clock=clock,
            wall=wall,
        )
    )
    monitor.start()
    return parts[0]


def _loaded(model: ModelFile, profile: Profile) -> tuple[Classifier, Profile]:
    """Load the model; on a device without calibration, time one inference instead of trusting a reference."""
    import numpy as np

    from offload_sdk.model import Classifier

    classifier = Classifier(model, threads=profile.threads)
    blank = np.zeros((1, model.spec.height, model.spec.width, 3), np.uint8)
    classifier.classify_tensor(blank, 1)  # the first inference also packs the weights
    if profile.measured:
        return classifier, profile
    timings: dict[str, float] = {}
    classifier.classify_tensor(blank, 1, timings)
    return classifier, replace(profile, infer_s=timings["infer"], infer_sd_s=0.3 * timings["infer"])


def _local_side(
    classifier: Classifier, profile: Profile, decode: PixelTime, cores: int, config: OffloadConfig, clock: Clock
) -> Side:
    from offload_sdk.execute.local import LocalExecutor

    estimator = LocalEstimator(profile, decode, cores=cores, usd_per_kwh=config.usd_per_kwh)
    return Side(name="local", estimator=estimator, executor=LocalExecutor(classifier, clock=clock))


def _endpoint_side(
    endpoint: EndpointConfig,
    profile: Profile,
    decode: PixelTime,
    payload_bytes: int,
    config: OffloadConfig,
    rng: random.Random,
    clock: Clock,
) -> Side:
    from offload_sdk.execute.circuit import Circuit
    from offload_sdk.execute.exchange import HttpSession
    from offload_sdk.execute.remote import RemoteExecutor

    prices = Prices(
        usd_per_request=endpoint.usd_per_request,
        usd_per_server_hour=endpoint.usd_per_server_hour,
        usd_per_gb=endpoint.usd_per_gb,
    )
    session = HttpSession(
        endpoint.url,
        token=None if endpoint.token is None else endpoint.token.get_secret_value(),
        ca_bundle=endpoint.ca_bundle,
        connections=4,
    )
    return Side(
        name=endpoint.name,
        estimator=RemoteEstimator(
            endpoint.name,
            profile,
            decode,
            prices=prices,
            handshake_rtts=_HANDSHAKE_RTTS[endpoint.url.partition("://")[0].lower()],
            payload_bytes=payload_bytes,
            usd_per_kwh=config.usd_per_kwh,
        ),
        executor=RemoteExecutor(endpoint.name, session, clock=clock, connect_timeout_s=config.connect_timeout_s),
        circuit=Circuit(
            failures=config.circuit.failures,
            cooldown_s=config.circuit.cooldown_s,
            max_cooldown_s=config.circuit.max_cooldown_s,
            probed=config.probe.enabled,
            rng=rng,
        ),
        prices=prices,
        endpoint=endpoint,
    )


def _log(config: OffloadConfig, clock: Clock, wall: Clock) -> Log:
    if not config.log.enabled:
        return NoLog()
    from offload_sdk.log import SqliteLog

    return SqliteLog(
        config.log_path,
        max_bytes=config.log.max_bytes,
        max_age_days=config.log.max_age_days,
        clock=clock,
        wall=wall,
    )


def _tell_circuit(circuit: Circuit, outcome: Outcome) -> None:
    """A refused image counts too: an endpoint that takes none is of no use. Our own haste and overload do not."""
    if outcome.labels:
        circuit.success()
    elif outcome.status == "success":
        circuit.reached()
    elif outcome.status == "ignored" and outcome.error_kind != "input":
        circuit.abandon()
    else:
        circuit.failure(
            outcome.started_s + outcome.latency_s,
            outcome.error or "failed",
            kind=outcome.error_kind or "status",
            stay_away_s=outcome.retry_after_s,
        )


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
