"""What the break-even curves are computed from: published boards, and this experiment's device and servers.

Each input is named with its source, as the page shows it. No solving, no drawing.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from offload_sdk._config import PayloadConfig
from offload_sdk._profile import DEFAULT_MODEL, reference_document, reference_profile
from offload_sdk._types import Profile
from offload_sdk.baseline.measurement import Measurement, PayloadKind
from offload_sdk.baseline.report.breakeven import Affine, Board, Cloud
from offload_sdk.baseline.report.numbers import seconds, size
from offload_sdk.baseline.report.ways import Way, measured
from offload_sdk.decide import PayloadChoice
from offload_sdk.model import InputSpec, payloads_for

__all__ = ["Inputs", "inputs"]

_BOARDS = ("zero_2_w", "pi_3b_plus", "pi_4", "pi_5")
_SERVER = "pc"
_PIXELS_PER_BYTE = 3.0  # of a camera's JPEG: 2.7 bit a pixel
_TYPICAL_BYTES = 500_000.0
_RESIZE_S_PER_PIXEL = 2.0e-9  # as the estimators presume it
_DECODE_BASE_S = 0.0005
_HEADER_BYTES = 500.0
_SENT_PX = 256
_LEAST_SIZES = 5
_FORMS: tuple[tuple[PayloadKind, str], ...] = (("sdk", "the SDK's payload"), ("original", "the original file"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """`named` says in words what everything stands on. `size_bytes` is the image that is meant unless said."""

    boards: tuple[Board, ...]
    clouds: tuple[Cloud, ...]
    size_bytes: float
    named: tuple[str, ...]


def inputs(ways: Sequence[Way], measurements: Sequence[Measurement], board_name: str | None) -> Inputs:
    """Take this experiment's figures where there are any, published ones where not."""
    boards = [_published(name) for name in _BOARDS]
    named = [
        f"Boards: published inference times of {DEFAULT_MODEL} ({', '.join(map(_published_time, _BOARDS))}), "
        "with decoding and preprocessing derived from them in proportion; not measured here.",
        f"A photograph has {_PIXELS_PER_BYTE:.0f} pixels a byte, assumed, and is a JPEG.",
    ]
    own = _this_device(ways, measurements, board_name)
    if own is not None:
        boards.insert(0, own)
        named.insert(
            0,
            f"This device: a straight line through its measured times, {seconds(own.local_s.fixed)} and "
            f"{seconds(1e6 * own.local_s.per_byte)} more for each MB of the file; encoding the SDK's payload "
            "as in its board's reference figures.",
        )
    clouds = []
    for payload, what in _FORMS:
        server_s, source = _server(payload, ways, measurements)
        clouds.append(Cloud(payload=payload, sent_bytes=_sent(payload), server_s=server_s))
        grows = f" and {seconds(1e6 * server_s.per_byte)} more for each MB" if server_s.per_byte else ""
        named.append(f"Server, given {what}: {seconds(server_s.fixed)}{grows}, {source}.")
    sizes = [m.image_bytes for m in measurements]
    typical = statistics.median(sizes) if sizes else _TYPICAL_BYTES
    named.append(
        f"The image, where its size is not said: {size(typical)}, "
        f"{'the median of this experiment' if sizes else 'assumed'}. The SDK's payload is the form that it would "
        "choose for the link, 6 to 37 kB; the connection is open (a new one adds a round trip, with TLS two)."
    )
    return Inputs(boards=tuple(boards), clouds=tuple(clouds), size_bytes=typical, named=tuple(named))


def _published_time(name: str) -> str:
    return f"{reference_document(name).board} {seconds(_profile(name).infer_s)}"


def _profile(name: str) -> Profile:
    return reference_profile(name, model=DEFAULT_MODEL)


def _published(name: str) -> Board:
    profile = _profile(name)
    decode_s = Affine(fixed=_DECODE_BASE_S, per_byte=_PIXELS_PER_BYTE * profile.decode_s_per_pixel["JPEG"])
    resize_s = _PIXELS_PER_BYTE * _RESIZE_S_PER_PIXEL
    return Board(
        name=profile.board,
        local_s=decode_s + Affine(fixed=profile.preprocess_s + profile.infer_s, per_byte=resize_s),
        prepare_s=decode_s + Affine(fixed=profile.encode_s, per_byte=resize_s),
    )


def _this_device(ways: Sequence[Way], measurements: Sequence[Measurement], board_name: str | None) -> Board | None:
    """The measured times, of which what grows with the file is decoding: it is needed before an upload too."""
    for way in ways:
        local_s = _line(measured(way, measurements), lambda m: m.latency_s) if way.path == "local" else None
        if local_s is not None:
            encode_s = reference_profile(board_name).encode_s
            prepare_s = Affine(fixed=_DECODE_BASE_S + encode_s, per_byte=local_s.per_byte)
            return Board(name="this device, measured", local_s=local_s, prepare_s=prepare_s)
    return None


def _server(payload: PayloadKind, ways: Sequence[Way], measurements: Sequence[Measurement]) -> tuple[Affine, str]:
    own = [
        m for way in ways if way.path == "remote" and way.payload == payload for m in measured(way, measurements)
    ]
    told = [m for m in own if m.failure is None and m.server_s is not None]
    if told:
        line = _line(told, lambda m: m.server_s) if payload == "original" else None
        mean = Affine(fixed=statistics.fmean(m.server_s or 0.0 for m in told))
        return line or mean, f"as {len(told):,} answers of this experiment's servers say"
    profile = _profile(_SERVER)
    per_pixel = profile.decode_s_per_pixel["JPEG"]
    computing = profile.preprocess_s + profile.infer_s
    source = f"modelled as one core of {reference_document(_SERVER).board}"
    if payload == "sdk":
        return Affine(fixed=computing + per_pixel * _SENT_PX * _SENT_PX), source
    return Affine(fixed=computing, per_byte=_PIXELS_PER_BYTE * per_pixel), source


def _sent(payload: PayloadKind) -> Callable[[float], Affine]:
    """Return the bytes of a request as a function of the link's seconds per byte."""
    if payload == "original":
        return lambda s_per_byte: Affine(fixed=_HEADER_BYTES, per_byte=1.0)
    payloads = payloads_for(InputSpec())
    sizes = [float(p.expected_bytes) for p in payloads]
    choose = PayloadChoice(payloads, seconds_per_error=PayloadConfig().seconds_per_error)
    return lambda s_per_byte: Affine(fixed=_HEADER_BYTES + sizes[choose(sizes, s_per_byte)])


def _line(measurements: Sequence[Measurement], value: Callable[[Measurement], float | None]) -> Affine | None:
    """Fit a straight line over the size of the file through what was answered; None for too little."""
    known = [(m.image_bytes, y) for m in measurements if m.failure is None and (y := value(m)) is not None]
    if not known:
        return None
    sizes, values = zip(*known, strict=True)
    mean = statistics.fmean(values)
    if len(set(sizes)) < _LEAST_SIZES:
        return Affine(fixed=mean)
    slope, _ = statistics.linear_regression(sizes, values)
    slope = min(max(slope, 0.0), mean / statistics.fmean(sizes))  # neither part takes less than no time
    return Affine(fixed=mean - slope * statistics.fmean(sizes), per_byte=slope)
