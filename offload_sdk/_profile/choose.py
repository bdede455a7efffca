"""From the documents to the `Profile` that the estimators see, for one board, model and number of threads."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from offload_sdk._cores import usable_cores
from offload_sdk._profile.board import board_name
from offload_sdk._profile.document import ProfileDocument, read_document
from offload_sdk._profile.reference import Figure, ReferenceDocument, reference_document
from offload_sdk._types import EnergySource, Profile

__all__ = ["DEFAULT_MODEL", "load_profile", "profile_for", "reference_profile"]

DEFAULT_MODEL = "mobilenet_v3_large"
# Spread given to a time that was not measured here: its standard deviation as a share of the mean.
_ASSUMED_SD_FRAC = 0.5

_logger = logging.getLogger("offload_sdk")


def load_profile(path: Path) -> Profile | None:
    """Return the calibrated profile of `path` for the model and threads it was measured with, or None.

    Powers, which calibration cannot measure, are those of the board's reference file. Raises
    `ConfigurationError` as `read_document` does.
    """
    document = read_document(path)
    if document is None:
        return None
    return _measured_profile(document, reference_document(document.board))


def reference_profile(board: str | None, *, model: str | None = None, threads: int | None = None) -> Profile:
    """Return the published or derived figures for a board as a `Profile` with `measured=False`.

    A quantised variant is taken for the model itself, a model that the file does not list for MobileNetV3-Large.
    `threads` None means as many as the reference file names.
    """
    return _of_reference(reference_document(board), model, threads)


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
            threads = min(reference.threads, cores or usable_cores())
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
    return replace(
        _of_reference(reference, document.model, count),
        board=document.board,
        infer_s=infer_s,
        infer_sd_s=document.infer[count].sd_s if exact else infer_s * _ASSUMED_SD_FRAC,
        preprocess_s=document.preprocess.median_s,
        decode_s_per_pixel=decode,
        encode_s=document.encode.median_s,
        measured=exact,
        rtt_s=document.link.rtt_s if document.link else None,
        uplink_bytes_per_s=document.link.uplink_bytes_per_s if document.link else None,
    )


def _of_reference(reference: ReferenceDocument, model: str | None, threads: int | None) -> Profile:
    """Return the file's figures alone; a measured profile replaces all of them but the powers."""
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
        cpu_active_w=_cpu_power_w(reference, count),
        cpu_power_source=_power_source(reference),
        radio_tx_w=_value(reference.radio_tx_w),
        radio_wait_w=_value(reference.radio_wait_w),
        radio_wake_j=_value(reference.radio_wake_j),
        throttled_factor=reference.throttled_factor.value,
        encode_s=reference.encode_s.value,
        measured=False,
    )


def _replace_inference(profile: Profile, *, model: str, infer_s: float) -> Profile:
    return replace(profile, model=model, infer_s=infer_s, infer_sd_s=infer_s * _ASSUMED_SD_FRAC, measured=False)


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


def _cpu_power_w(reference: ReferenceDocument, threads: int) -> float | None:
    """Return the power of this many busy cores: in proportion, up to what the reference states."""
    if reference.cpu_active_w is None:
        return None
    return reference.cpu_active_w.value * min(threads, reference.threads) / reference.threads


def _power_source(reference: ReferenceDocument) -> EnergySource:
    return "unknown" if reference.cpu_active_w is None else "modelled"
