"""How a picture may be coded for its upload, and what each way is known to take and to cost. Data and arithmetic.

No pixels here (`picture` codes them), and no choice: that depends on the link.

Every frequency and colour is rounded to the same `quantisation_step`, unlike in JPEG's usual tables: those hide
errors from the eye, but a network is no eye. At the same size, more labels survive the upload.
"""

from __future__ import annotations

from offload_sdk._types import Payload
from offload_sdk.model.spec import InputSpec

__all__ = ["payloads_for", "quantisation_step"]

_BEST_QUALITY = 90
_MEASURED_PX = 256  # for an input of 224

# Side (px), quality, mean bytes of a photograph, share of first labels that survive.
_LADDER = (
    (256, 90, 36_700, 0.985),
    (224, 85, 21_500, 0.946),
    (224, 60, 11_300, 0.877),
    (224, 40, 8_300, 0.838),
    (192, 30, 5_800, 0.777),
)
"""Measured with EfficientNet-Lite0 on 130 photographs by `python -m benchmarks.payload`, which prints the whole
table, its confidence intervals and another model's figures. They lie on the lower hull of bytes and changed
labels, where the best form is for every price on a label. Smaller ones change too many."""


def payloads_for(
    spec: InputSpec, *, side_px: int | None = None, quality: int | None = None
) -> tuple[Payload, ...]:
    """The payloads that a model with this input may be sent, the best and largest first.

    A `side_px` or `quality` leaves just that one; the other of the two is then what the model needs, and 90.
    """
    full_px = round(max(spec.width, spec.height) / spec.crop_frac)  # as many as the receiver's crop needs
    if side_px is not None or quality is not None:
        side_px, quality = side_px or full_px, quality or _BEST_QUALITY
        return (Payload(side_px=side_px, quality=quality, expected_bytes=_expected_bytes(side_px, quality)),)
    area = (full_px / _MEASURED_PX) ** 2
    return tuple(
        Payload(
            side_px=round(full_px * side_px / _MEASURED_PX),
            quality=quality,
            expected_bytes=round(area * size_bytes),
            agreement_frac=agreement_frac,
        )
        for side_px, quality, size_bytes, agreement_frac in _LADDER
    )


def quantisation_step(quality: int) -> int:
    """The step to which all coefficients are rounded, in levels of brightness: 5 at quality 90."""
    return max(1, min(255, round((100 - quality) / 2)))


def _expected_bytes(side_px: int, quality: int) -> int:
    """About what a photograph takes: a fit to the figures that the benchmark prints."""
    bytes_per_pixel: float = 0.56 * (5 / quantisation_step(quality)) ** 0.67 * (_MEASURED_PX / side_px) ** 0.33
    return round(side_px * side_px * bytes_per_pixel)
