"""What passes between the stages: frozen, slotted, keyword-only records, and the arithmetic they need.

Units are in the names: `_s` seconds, `_j` joules, `_w` watts, `_bytes`, `_c` degrees Celsius, `_dbm`, `_usd`,
`_frac` a share 0..1. Times called `taken_s` or `started_s` are read from the monotonic clock; `wall_s` is Unix
time. Unknown is `None`, never 0, -1 or 100 %.

No I/O, no clock reading, no NumPy here: every stage, pure or not, imports this file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from offload_sdk._latency import Latency

__all__ = [
    "Classification",
    "Decision",
    "EnergySource",
    "Estimate",
    "ImageInfo",
    "Label",
    "Latency",
    "OptionPath",
    "Outcome",
    "OutcomeRole",
    "OutcomeStatus",
    "Payload",
    "Profile",
    "Record",
    "Request",
    "Situation",
    "Snapshot",
    "TraceContext",
]

OptionPath = Literal["local", "remote"]
OutcomeStatus = Literal["success", "ignored", "failed"]
OutcomeRole = Literal["answer", "fallback", "hedge", "shadow", "probe"]
EnergySource = Literal["metered", "modelled", "unknown"]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """One class with its probability.

    `index` is the class in ImageNet order, 0..999, background removed, or the position in a model's label file.
    """

    name: str
    probability: float
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """What is known of an image before it is decoded.

    `format` is Pillow's name of the encoding (`JPEG`, `PNG`, …), or `RGB` for pixels in memory, which have no
    `encoded_bytes`. `width` and `height` are as stored, before EXIF orientation.
    """

    format: str
    width: int
    height: int
    encoded_bytes: int | None = None

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One way to code a picture for its upload: the centre square, `side_px` wide, as JPEG of this `quality`.

    A `quality` of None means that the pixels go as they are, as a model's own input. `expected_bytes` is what a
    photograph takes on average. `agreement_frac` is the share of photographs whose first label survives the
    coding, as measured with one model; None: not measured.
    """

    side_px: int
    quality: int | None
    expected_bytes: int
    agreement_frac: float | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "side_px": self.side_px,
            "quality": self.quality,
            "expected_bytes": self.expected_bytes,
            "agreement_frac": self.agreement_frac,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The device at one moment, `taken_s` on the monotonic clock.

    `cpu_load_frac` is the load by *other* processes over all cores; `power_w` is metered draw;
    `throttled` says that the clock is held down by heat or undervoltage now.
    """

    taken_s: float
    battery_frac: float | None = None
    on_mains: bool | None = None
    power_w: float | None = None
    cpu_load_frac: float | None = None
    temperature_c: float | None = None
    throttled: bool | None = None
    signal_dbm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What one option is expected to take, now, for one image.

    `option` is `local` or the endpoint's name. `success_probability` is the chance that the option answers at
    all. `parts_s` splits the mean latency into its steps. `energy_j` and `cost_usd` are marginal: what this
    one image adds. A remote option is estimated for one `payload`, expected to take `payload_bytes` of upload.
    """

    option: str
    path: OptionPath
    latency: Latency
    energy_j: float | None = None
    energy_source: EnergySource = "unknown"
    cost_usd: float = 0.0
    success_probability: float = 1.0
    payload: Payload | None = None
    payload_bytes: int = 0
    parts_s: Mapping[str, float] = field(default_factory=lambda: _NOTHING)

    @property
    def latency_mean_s(self) -> float:
        return self.latency.mean_s

    @property
    def latency_p90_s(self) -> float:
        return self.latency.p90_s

    def after(self, wait_s: float) -> Estimate:
        """Return the same option behind `wait_s` seconds of earlier work, which its parts tell as `wait`."""
        if wait_s <= 0.0:
            return self
        return replace(self, latency=self.latency.after(wait_s), parts_s={"wait": wait_s, **self.parts_s})

    def to_dict(self) -> dict[str, Any]:
        return {
            "path": self.path,
            "latency_mean_s": self.latency.mean_s,
            "latency_sd_s": self.latency.sd_s,
            "latency_p90_s": self.latency.p90_s,
            "energy_j": self.energy_j,
            "energy_source": self.energy_source,
            "cost_usd": self.cost_usd,
            "success_probability": self.success_probability,
            "payload": None if self.payload is None else self.payload.to_dict(),
            "payload_bytes": self.payload_bytes,
            "parts_s": dict(self.parts_s),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that a policy may look at.

    `estimates` holds one entry per option, at least one. `unavailable` names the options that must not be
    chosen now, each with the reason in words (an open circuit, for example). `deadline_s` is the time left.
    """

    estimates: tuple[Estimate, ...]
    snapshot: Snapshot
    image: ImageInfo
    deadline_s: float | None = None
    unavailable: Mapping[str, str] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a policy chose, and why.

    `propensity` is the probability with which the policy takes this option in this situation (1 for a
    deterministic policy): what off-policy evaluation needs. `shadow` names the options that are run besides,
    for their measurement only. A hedge: if there is no answer `second_after_s` seconds after the decision, the
    option `second` starts too, and the first valid answer counts; None: one option alone, until it fails.
    """

    chosen: str
    path: OptionPath
    policy: str
    reason: str
    predicted: Mapping[str, Estimate]
    propensity: float = 1.0
    explored: bool = False
    shadow: tuple[str, ...] = ()
    second: str | None = None
    second_after_s: float | None = None

    @property
    def payloads(self) -> dict[str, Payload]:
        """How the picture is to be coded, per option that uploads it."""
        return {name: e.payload for name, e in self.predicted.items() if e.payload is not None}

    def to_dict(self) -> dict[str, Any]:
        return {
            "chosen": self.chosen,
            "policy": self.policy,
            "reason": self.reason,
            "propensity": self.propensity,
            "explored": self.explored,
            "second": self.second,
            "second_after_s": self.second_after_s,
            "predicted": {name: estimate.to_dict() for name, estimate in self.predicted.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceContext:
    """Where a request stands in a distributed trace (W3C Trace Context): 32 and 16 lower-case hexadecimal digits,
    not all of them zero, and whether the caller keeps the trace."""

    trace_id: str
    span_id: str
    sampled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One image on its way: its id, how many classes are wanted, and the device's state to tell the server.

    `payloads` holds, per option, how the picture was decided to be coded for it. `trace` is the caller's active
    span; without one the request begins a trace of its own, whose id is the request's: 32 hexadecimal digits.
    """

    request_id: str
    top_k: int
    snapshot: Snapshot
    payloads: Mapping[str, Payload] = field(default_factory=lambda: _NOTHING)
    trace: TraceContext | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one option that was run for one image (or of one probe of a link).

    `latency_s` runs from `started_s` to the answer, or to the moment when the option was given up; then
    `censored` is true and the real time is longer. `status` is `success`, `failed`, or `ignored` (cancelled,
    or refused for a reason that says nothing about the option). An ignored outcome says nothing of whether the
    option works; if it is `censored` (cancelled because the other side had answered) it still says that the
    option takes longer than `latency_s`, else it updates no estimator.
    `timings` are seconds per step: `wait`, `decode`, `preprocess`, `infer` locally; `decode`, `redact`, `encode`,
    `connect`, `network`, `server` remotely, where `server` is what the server itself reported and `network` the
    rest after connecting. `cold`: a connection was opened. `payload`: how the picture sent was coded, if told.
    `labels` are the classes found; `result` is the answer to a task other than classification, and not logged.
    """

    option: str
    path: OptionPath
    status: OutcomeStatus
    role: OutcomeRole
    started_s: float
    latency_s: float
    censored: bool = False
    timings: Mapping[str, float] = field(default_factory=lambda: _NOTHING)
    cold: bool = False
    payload: Payload | None = None
    sent_bytes: int = 0
    received_bytes: int = 0
    energy_j: float | None = None
    energy_source: EnergySource = "unknown"
    cost_usd: float = 0.0
    error_kind: str | None = None
    error: str | None = None
    retry_after_s: float | None = None
    labels: tuple[Label, ...] = ()
    model: str | None = None
    result: Any = field(default=None, repr=False, compare=False)

    @property
    def answered(self) -> bool:
        return bool(self.labels) or self.result is not None

    def to_dict(self) -> dict[str, Any]:
        return {
            "option": self.option,
            "path": self.path,
            "status": self.status,
            "role": self.role,
            "latency_s": self.latency_s,
            "censored": self.censored,
            "timings": dict(self.timings),
            "cold": self.cold,
            "payload": None if self.payload is None else self.payload.to_dict(),
            "sent_bytes": self.sent_bytes,
            "received_bytes": self.received_bytes,
            "energy_j": self.energy_j,
            "energy_source": self.energy_source,
            "cost_usd": self.cost_usd,
            "error_kind": self.error_kind,
            "error": self.error,
            "labels": [[label.index, label.name, label.probability] for label in self.labels],
            "model": self.model,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """The answer for one image.

    `path` is the side that answered, `endpoint` its name when remote. `fallback`: remote was chosen and local
    answered because it failed; `failure` says in words why what was chosen did not answer. `hedged`: both sides
    were started. `latency_s` is the wall time of the whole call; `timings` are seconds per step.
    """

    labels: tuple[Label, ...]
    path: OptionPath
    endpoint: str | None
    model: str
    latency_s: float
    timings: Mapping[str, float]
    decision: Decision
    request_id: str
    fallback: bool = False
    hedged: bool = False
    failure: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "labels": [{"name": c.name, "probability": c.probability, "index": c.index} for c in self.labels],
            "path": self.path,
            "endpoint": self.endpoint,
            "model": self.model,
            "latency_s": self.latency_s,
            "timings": dict(self.timings),
            "fallback": self.fallback,
            "hedged": self.hedged,
            "failure": self.failure,
            "decision": self.decision.to_dict(),
            "request_id": self.request_id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One row of the log: an image, what was known, predicted and decided, and every outcome.

    `error` is set when the image got no answer. `source` is the path the image came from, if it came from one.
    """

    request_id: str
    wall_s: float
    image: ImageInfo
    snapshot: Snapshot
    decision: Decision
    outcomes: tuple[Outcome, ...]
    labels: tuple[Label, ...]
    path: OptionPath | None
    endpoint: str | None
    model: str | None
    latency_s: float
    timings: Mapping[str, float]
    fallback: bool = False
    hedged: bool = False
    deadline_s: float | None = None
    source: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a board before the first image: priors of the estimators.

    Times are for the model named in `model` with `threads` threads. `decode_s_per_pixel` is keyed by Pillow's
    format name, `""` being the entry for any other. Powers are marginal, above idle; `cpu_active_w` is with
    `threads` cores busy. `measured` is true for a calibrated device, false for published reference figures.
    """

    board: str
    model: str | None
    threads: int
    infer_s: float
    infer_sd_s: float
    preprocess_s: float
    decode_s_per_pixel: Mapping[str, float]
    cpu_active_w: float | None = None
    cpu_power_source: EnergySource = "unknown"
    radio_tx_w: float | None = None
    radio_wait_w: float | None = None
    radio_wake_j: float | None = None
    throttled_factor: float = 1.8
    encode_s: float = 0.001
    measured: bool = False
    rtt_s: float | None = None
    uplink_bytes_per_s: float | None = None
