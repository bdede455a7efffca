"""From the settings to the parts of an `Offloader`: which model, estimators, executors, policy, log, monitor.

The only file that knows every stage's implementation. It decides nothing about images.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from offload_sdk._cores import usable_cores
from offload_sdk._parts import Parts, Side
from offload_sdk._types import Outcome, Payload, Profile, Record
from offload_sdk.errors import ConfigurationError
from offload_sdk.estimate import LocalEstimator, Prices, RemoteEstimator
from offload_sdk.estimate.pixels import PixelTime
from offload_sdk.typing import Clock, DeviceProbe, Log, Picture, Policy, Redact, Task, WireTask

if TYPE_CHECKING:
    from offload_sdk._config import EndpointConfig, OffloadConfig
    from offload_sdk.estimate.remote import ChoosePayload
    from offload_sdk.execute.protocol import RemoteProtocol
    from offload_sdk.model import Classifier, InputSpec, ModelFile, TaskModel

__all__ = ["assemble", "log_of", "policy_of", "protocol_of"]

_logger = logging.getLogger("offload_sdk")
_DECODE_BASE_S = 0.0005
_SHADOW_BACKLOG = 4  # pictures that may wait in memory for their other path to be run
_MOST_HEDGES = 16  # uploads that linger, or inferences that wait for their turn
_HANDSHAKE_RTTS = {"http": 1.0, "https": 2.0}  # TCP; TCP and TLS 1.3


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
    task: Task[Any] | None = None,
    policy: Policy | None = None,
    probe: DeviceProbe | None = None,
    log: Log | None = None,
    redact: Redact | None = None,
    clock: Clock = time.monotonic,
    wall: Clock = time.time,
) -> Parts:
    """Build every part that is not given, for classification or for another `task`.

    Raises `ConfigurationError` or `ModelError`; then nothing is left on.
    """
    from offload_sdk._profile import DEFAULT_MODEL, board_name, profile_for, reference_profile
    from offload_sdk.decide import PayloadChoice, Shadowed
    from offload_sdk.execute.workers import Workers
    from offload_sdk.measure.device import Device
    from offload_sdk.measure.monitor import Monitor
    from offload_sdk.measure.prober import LinkProber
    from offload_sdk.model import PictureLimits, load_redact, open_picture

    if redact is None and config.redact is not None:
        redact = load_redact(config.redact)
    rng = random.Random(config.seed)
    model, spec, payloads = _asked(config, task)
    name = model.name if model else DEFAULT_MODEL
    try:
        profile = profile_for(config.profile_path, name, config.threads)
    except ConfigurationError as error:  # damaged by a power cut, say; the images go on
        _logger.warning("%s; published figures are used until then", error)
        profile = reference_profile(board_name(), model=name, threads=config.threads)
    loaded = None
    if model is not None and config.local:
        loaded, profile = _loaded(model, task, profile)
    limits = PictureLimits(max_bytes=config.limits.max_image_bytes, max_pixels=config.limits.max_pixels)

    def open_one(image: Any) -> Picture:
        return open_picture(image, spec, limits=limits, payload=payloads[0], redact=redact)

    decode = PixelTime(profile.decode_s_per_pixel, base_s=_DECODE_BASE_S)
    cores = usable_cores()
    sides: list[Side] = []
    if loaded is not None:
        sides.append(_local_side(loaded, profile, decode, cores, config, clock))
    choose = PayloadChoice(payloads, seconds_per_error=config.payload.seconds_per_error)
    sides.extend(
        _endpoint_side(
            e,
            protocol_of(e, model, task),
            profile,
            decode,
            payloads,
            choose,
            config,
            rng,
            clock,
            originals=redact is None,
        )
        for e in config.all_endpoints
    )

    if policy is None:
        policy = policy_of(config, rng)
    if config.log.shadow_rate > 0.0:
        policy = Shadowed(policy, config.log.shadow_rate, rng)
    if log is None:
        log = log_of(config, clock=clock, wall=wall)
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
            loaded=loaded,
            lock=threading.Lock(),
            clock=clock,
            wall=wall,
        )
    )
    monitor.start()
    return parts[0]


def _asked(
    config: OffloadConfig, task: Task[Any] | None
) -> tuple[ModelFile | None, InputSpec, tuple[Payload, ...]]:
    """Return the model, if it is known, the input that pictures are made for, and how they may be uploaded."""
    from offload_sdk.model import AUTO, InputSpec, describe_network, payloads_for, resolve

    side_px, quality = config.payload.side_px, config.payload.quality
    if task is None:
        model = resolve(config.model, config.models_dir) if config.local else None
        spec = InputSpec() if model is None else model.spec
        return model, spec, payloads_for(spec, side_px=side_px, quality=quality)
    if config.model == AUTO:
        raise ConfigurationError("a task needs its own `model`, the path of a .tflite; `auto` only classifies")
    model = describe_network(Path(config.model).expanduser(), task.fit)
    side_px = side_px or max(model.spec.width, model.spec.height)  # what less of it costs is measured for classes
    payloads = payloads_for(model.spec, side_px=side_px, quality=quality)
    return model, model.spec, payloads


def _loaded(
    model: ModelFile, task: Task[Any] | None, profile: Profile
) -> tuple[Classifier | TaskModel[Any], Profile]:
    """Load the model; on a device without calibration, time one inference instead of trusting a reference."""
    import numpy as np

    from offload_sdk.model import Classifier, TaskModel

    loaded: Classifier | TaskModel[Any]
    infer: Callable[[dict[str, float]], object]
    if task is None:
        loaded = Classifier(model, threads=profile.threads)
        blank = np.zeros((1, model.spec.height, model.spec.width, 3), np.uint8)
        infer = partial(loaded.classify_tensor, blank, 1)
    else:
        loaded = TaskModel(model, task, threads=profile.threads)
        infer = loaded.try_out
    infer({})  # the first inference also packs the weights
    if profile.measured:
        return loaded, profile
    timings: dict[str, float] = {}
    infer(timings)
    return loaded, replace(profile, infer_s=timings["infer"], infer_sd_s=0.3 * timings["infer"])


def _local_side(
    model: Classifier | TaskModel[Any],
    profile: Profile,
    decode: PixelTime,
    cores: int,
    config: OffloadConfig,
    clock: Clock,
) -> Side:
    from offload_sdk.execute.local import LocalExecutor
    from offload_sdk.execute.workers import Workers

    estimator = LocalEstimator(profile, decode, cores=cores, usd_per_kwh=config.usd_per_kwh)
    return Side(
        name="local",
        estimator=estimator,
        executor=LocalExecutor(model, clock=clock),
        workers=Workers(1, "offload-local", backlog=_MOST_HEDGES),
    )


def _endpoint_side(
    endpoint: EndpointConfig,
    protocol: RemoteProtocol,
    profile: Profile,
    decode: PixelTime,
    payloads: tuple[Payload, ...],
    choose: ChoosePayload,
    config: OffloadConfig,
    rng: random.Random,
    clock: Clock,
    *,
    originals: bool,
) -> Side:
    from offload_sdk.execute.circuit import Circuit
    from offload_sdk.execute.exchange import HttpSession
    from offload_sdk.execute.remote import RemoteExecutor
    from offload_sdk.execute.workers import Workers

    prices = Prices(
        usd_per_request=endpoint.usd_per_request,
        usd_per_server_hour=endpoint.usd_per_server_hour,
        usd_per_gb=endpoint.usd_per_gb,
    )
    session = HttpSession(
        endpoint.url,
        token=None if endpoint.token is None else endpoint.token.get_secret_value(),
        ca_bundle=endpoint.ca_bundle,
        certificate=endpoint.certificate,
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
            payloads=payloads,
            choose=choose,
            usd_per_kwh=config.usd_per_kwh,
            originals=originals,
        ),
        executor=RemoteExecutor(
            endpoint.name,
            session,
            clock=clock,
            connect_timeout_s=config.connect_timeout_s,
            protocol=protocol,
        ),
        workers=Workers(_MOST_HEDGES, f"offload-hedge-{endpoint.name}"),
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


def protocol_of(
    endpoint: EndpointConfig, model: ModelFile | None, task: Task[Any] | None = None
) -> RemoteProtocol:
    """Return what the endpoint speaks. `model` is the local one, if any: a served one may be the same, and with a
    `task` it is."""
    if endpoint.protocol == "offload":
        from offload_sdk.execute.offload_protocol import OffloadProtocol

        if task is not None and not isinstance(task, WireTask):
            raise ConfigurationError(
                f"the endpoint {endpoint.name}: an offload server cannot do {type(task).__name__}, which lacks"
                " to_wire and from_wire; set protocol = 'open-inference' to have it compute the raw outputs"
            )
        return OffloadProtocol(task)
    from offload_sdk.execute.open_inference import OpenInferenceProtocol
    from offload_sdk.model import CATALOGUE, Normalisation, imagenet_names

    assert endpoint.model is not None
    normalisation = None
    if endpoint.pixel_mean is not None and endpoint.pixel_std is not None:
        normalisation = Normalisation(mean=endpoint.pixel_mean, std=endpoint.pixel_std)
    elif model is not None and (task is not None or model.name == endpoint.model):
        normalisation = model.normalisation
    elif endpoint.model in CATALOGUE:
        normalisation = CATALOGUE[endpoint.model].normalisation
    return OpenInferenceProtocol(
        endpoint.model,
        version=endpoint.version,
        normalisation=normalisation,
        labels=imagenet_names() if model is None else model.labels,
        task=task,
    )


def policy_of(config: OffloadConfig, rng: random.Random) -> Policy:
    """Return the policy that the settings name; its draws, if it makes any, come from `rng`."""
    from offload_sdk.decide import policy_by_name

    return policy_by_name(config.policy, **config.auto.model_dump(), rng=rng)


def log_of(config: OffloadConfig, *, clock: Clock = time.monotonic, wall: Clock = time.time) -> Log:
    """Return the log that the settings describe, or one that keeps nothing."""
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
