"""The profile of a device: the file that calibration writes, and the published figures used until there is one.

Two documents, both validated here and nowhere else: `ProfileDocument`, measured on this device, in the home
folder; `ReferenceDocument`, one per known board, shipped in `calibration/profiles/`, each number with its
source. Both end as `_types.Profile`, which is all that the estimators see.

No measuring, no models, and no import of `calibration`'s code: the reference files are read as package data.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from offload_sdk._types import EnergySource, Profile
from offload_sdk.errors import ConfigurationError

__all__ = [
    "DecodeTiming",
    "Figure",
    "LinkTiming",
    "ProfileDocument",
    "ReferenceDocument",
    "Timing",
    "board_name",
    "load_profile",
    "profile_for",
    "read_document",
    "reference_document",
    "reference_names",
    "reference_profile",
    "save_profile",
]

GENERIC = "generic"
DEFAULT_MODEL = "mobilenet_v3_large"
# Spread given to a time that was not measured here: its standard deviation as a share of the mean.
ASSUMED_SD_FRAC = 0.5

_logger = logging.getLogger("offload_sdk")
_Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Spread = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=1)]
_Threads = Annotated[int, Field(ge=1, le=1024)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class Timing(_Part):
    """A time that was measured `samples` times: median, 90th percentile and standard deviation in seconds."""

    samples: _Count
    median_s: _Seconds
    p90_s: _Seconds
    sd_s: _Spread


class DecodeTiming(_Part):
    """The slope of decoding time over pixels, fitted through `samples` decodes of `sizes_pixels`."""

    s_per_pixel: _Seconds
    samples: _Count
    sizes_pixels: tuple[_Count, ...]


class LinkTiming(_Part):
    """The link to `url` as calibration saw it. `uplink_bytes_per_s` is None when no upload was accepted."""

    url: str
    rtt_s: _Seconds
    rtt_samples: _Count
    cold_connect_s: _Seconds | None = None
    uplink_bytes_per_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    upload_samples: Annotated[int, Field(ge=0)] = 0


class ProfileDocument(_Part):
    """What `calibrate` measured on one device with one model. `created_wall_s` is Unix time.

    `infer` is keyed by the number of threads, `decode` by Pillow's format name. `memory_bytes` is the resident
    set after the last inference. `threads` is the number that calibration picked.
    """

    schema_version: Literal[1] = 1
    created_wall_s: float
    sdk_version: str
    quick: bool
    board: str
    cores: _Count
    governor: str | None
    runtime: str
    runtime_version: str
    python: str
    model: str
    model_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    threads: _Threads
    infer: dict[_Threads, Timing]
    preprocess: Timing
    encode: Timing
    decode: dict[str, DecodeTiming]
    memory_bytes: _Count | None
    temperature_before_c: float | None
    temperature_after_c: float | None
    throttled: bool | None
    link: LinkTiming | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> ProfileDocument:
        if self.threads not in self.infer:
            raise ValueError(f"no inference time for the {self.threads} threads that it names")
        if not self.decode:
            raise ValueError("no decoding time")
        return self


class Figure(_Part):
    """One number of a reference file with where it comes from.

    `kind`: `published` as the source prints it, `derived` by the arithmetic that the source text states,
    `assumed` where neither exists.
    """

    value: float
    kind: Literal["published", "derived", "assumed"]
    source: Annotated[str, Field(min_length=10)]


class ReferenceDocument(_Part):
    """Figures for a board that was not calibrated. A board belongs to it when its name holds one of `match`.

    `infer_s` is keyed by model, then by threads. Powers are watts above idle. `inference_energy_j` is stated for
    comparison only; energy is predicted as `cpu_active_w` times seconds.
    """

    schema_version: Literal[1]
    board: str
    match: tuple[str, ...]
    threads: _Threads
    infer_s: dict[str, dict[_Threads, Figure]]
    infer_sd_frac: Figure
    preprocess_s: Figure
    encode_s: Figure
    decode_s_per_pixel: dict[str, Figure]
    throttled_factor: Figure
    cpu_active_w: Figure | None = None
    radio_tx_w: Figure | None = None
    radio_wait_w: Figure | None = None
    radio_wake_j: Figure | None = None
    inference_energy_j: dict[str, Figure] = Field(default_factory=dict)


def board_name(root: Path = Path("/")) -> str:
    """Return what this device calls itself: the device tree's model, else machine type and processor name."""
    try:
        name = (root / "proc/device-tree/model").read_bytes().split(b"\0")[0].decode("utf-8", "replace").strip()
        if name:
            return name
    except OSError:
        pass
    processor = platform.processor()
    try:
        for line in (root / "proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            key, _, value = line.partition(":")
            if key.strip() == "model name" and value.strip():
                processor = value.strip()
                break
    except OSError:
        pass
    machine = platform.machine() or "unknown machine"
    return machine if processor in ("", machine) else f"{machine}, {processor}"


def read_document(path: Path) -> ProfileDocument | None:
    """Return the profile file as it stands, or None if there is none.

    Raises:
        ConfigurationError: it cannot be read or is not a profile; the message says to calibrate again.
    """
    try:
        return ProfileDocument.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        problem = error.strerror or str(error)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        problem = f"{where}: {first['msg']}" if where else first["msg"]
    raise ConfigurationError(
        f"the profile {path} cannot be used ({problem}); delete it or run `offload-sdk calibrate` again"
    )


def load_profile(path: Path) -> Profile | None:
    """Return the calibrated profile of `path` for the model and threads it was measured with, or None.

    Powers, which calibration cannot measure, are those of the board's reference file. Raises
    `ConfigurationError` as `read_document` does.
    """
    document = read_document(path)
    if document is None:
        return None
    return _measured_profile(document, reference_document(document.board))


def save_profile(path: Path, document: ProfileDocument) -> None:
    """Write the profile so that a reader, or a power cut, finds the old file or the new one, never a part.

    Raises:
        ConfigurationError: the folder cannot be written.
    """
    text = document.model_dump_json(indent=2) + "\n"
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise ConfigurationError(
            f"the profile {path} cannot be written ({error.strerror or error}); "
            "set OFFLOAD_HOME to a folder that can be"
        ) from None


def reference_names() -> tuple[str, ...]:
    """Return the names of the reference files, sorted."""
    folder = resources.files("calibration") / "profiles"
    return tuple(sorted(f.name.removesuffix(".json") for f in folder.iterdir() if f.name.endswith(".json")))


def reference_document(board: str | None) -> ReferenceDocument:
    """Return the reference figures for a board by its model string (or a file's name); else the generic ones."""
    generic: ReferenceDocument | None = None
    for name in reference_names():
        text = (resources.files("calibration") / "profiles" / f"{name}.json").read_text("utf-8")
        document = ReferenceDocument.model_validate(json.loads(text))
        if name == GENERIC:
            generic = document
        elif board is not None and (board == name or any(mark in board for mark in document.match)):
            return document
    assert generic is not None, "the package carries no generic reference profile"
    return generic


def reference_profile(board: str | None, *, model: str | None = None, threads: int | None = None) -> Profile:
    """Return the published or derived figures for a board as a `Profile` with `measured=False`.

    A quantised variant is taken for the model itself, a model that the file does not list for MobileNetV3-Large.
    `threads` None means as many as the reference file names.
    """
    reference = reference_document(board)
    figures = reference.infer_s[_listed(reference, model) or DEFAULT_MODEL]
    count = reference.threads if threads is None else threads
    infer_s, _ = _for_threads({n: figure.value for n, figure in figures.items()}, count)
    return Profile(
        board=reference.board,
        model=model,
        threads=count,
        infer_s=infer_s,
        infer_sd_s=infer_s * reference.infer_sd_frac.value,
        preprocess_s=reference.preprocess_s.value,
        decode_s_per_pixel={name: figure.value for name, figure in reference.decode_s_per_pixel.items()},
        cpu_active_w=_value(reference.cpu_active_w),
        cpu_power_source=_power_source(reference),
        radio_tx_w=_value(reference.radio_tx_w),
        radio_wait_w=_value(reference.radio_wait_w),
        radio_wake_j=_value(reference.radio_wake_j),
        throttled_factor=reference.throttled_factor.value,
        encode_s=reference.encode_s.value,
        measured=False,
    )


def profile_for(
    path: Path, model: str, threads: int | None, *, board: str | None = None, cores: int | None = None
) -> Profile:
    """Return the best profile for `model` with `threads` (None: what was calibrated) on this device.

    - No file, or one measured on another board (a moved SD card): the board's reference figures, with at most
      as many threads as this device has cores.
    - Same model: the measured time. For a thread count that was not measured, the next lower one that was
      (more threads are not presumed to help), or the lowest scaled up in proportion.
    - Another model: decoding, preprocessing and encoding as measured; inference as measured, times the ratio of
      the two models in the reference file where it lists both, else the reference's own figure.

    An inference time that was not measured as it is gets a standard deviation of half its mean, and
    `measured=False`. `board` and `cores` are this device's when None. Raises `ConfigurationError` for a damaged
    file.
    """
    board = board_name() if board is None else board
    reference = reference_document(board)
    document = read_document(path)
    if document is not None and document.board != board:
        _logger.warning(
            "the profile %s was measured on %r, this is %r: it is not used; run `offload-sdk calibrate`",
            path,
            document.board,
            board,
        )
        document = None
    if document is None:
        if threads is None:
            threads = min(reference.threads, cores or os.cpu_count() or 1)
        return reference_profile(board, model=model, threads=threads)
    measured = _measured_profile(document, reference, threads=threads)
    if model == document.model:
        return measured
    fallback = reference_profile(board, model=model, threads=measured.threads)
    infer_s = fallback.infer_s
    if _listed(reference, model) and _listed(reference, document.model):
        own = reference_profile(board, model=document.model, threads=measured.threads)
        infer_s = measured.infer_s * fallback.infer_s / own.infer_s
    return _replace_inference(measured, model=model, infer_s=infer_s)


def _measured_profile(
    document: ProfileDocument, reference: ReferenceDocument, *, threads: int | None = None
) -> Profile:
    count = document.threads if threads is None else threads
    infer_s, exact = _for_threads({n: timing.median_s for n, timing in document.infer.items()}, count)
    decode = {name: timing.s_per_pixel for name, timing in document.decode.items()}
    # A format that was not measured is taken for the slowest that was; pixels in memory need no decoding.
    decode = {"": max(decode.values()), "RGB": 0.0, **decode}
    return Profile(
        board=document.board,
        model=document.model,
        threads=count,
        infer_s=infer_s,
        infer_sd_s=document.infer[count].sd_s if exact else infer_s * ASSUMED_SD_FRAC,
        preprocess_s=document.preprocess.median_s,
        decode_s_per_pixel=decode,
        cpu_active_w=_value(reference.cpu_active_w),
        cpu_power_source=_power_source(reference),
        radio_tx_w=_value(reference.radio_tx_w),
        radio_wait_w=_value(reference.radio_wait_w),
        radio_wake_j=_value(reference.radio_wake_j),
        throttled_factor=reference.throttled_factor.value,
        encode_s=document.encode.median_s,
        measured=exact,
        rtt_s=document.link.rtt_s if document.link else None,
        uplink_bytes_per_s=document.link.uplink_bytes_per_s if document.link else None,
    )


def _replace_inference(profile: Profile, *, model: str, infer_s: float) -> Profile:
    return replace(profile, model=model, infer_s=infer_s, infer_sd_s=infer_s * ASSUMED_SD_FRAC, measured=False)


def _for_threads(times_s: Mapping[int, float], threads: int) -> tuple[float, bool]:
    """Return the time for `threads`, and whether it is an entry of the table."""
    if threads in times_s:
        return times_s[threads], True
    lower = [n for n in times_s if n < threads]
    if lower:
        return times_s[max(lower)], False
    lowest = min(times_s)
    return times_s[lowest] * lowest / threads, False


def _listed(reference: ReferenceDocument, model: str | None) -> str | None:
    """Return the name under which the reference file lists a model, or None."""
    names = (model or "", (model or "").removesuffix("_uint8"))
    return next((name for name in names if name in reference.infer_s), None)


def _value(figure: Figure | None) -> float | None:
    return None if figure is None else figure.value


def _power_source(reference: ReferenceDocument) -> EnergySource:
    return "unknown" if reference.cpu_active_w is None else "modelled"
