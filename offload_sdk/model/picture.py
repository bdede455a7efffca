"""`open_picture`: one image, opened now and decoded at most once, when and as far as somebody needs its pixels.

The steps live elsewhere: `sources` (what came in), `pixels` (the model's square), `jpeg` (metadata).
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from offload_sdk._types import ImageInfo
from offload_sdk.errors import InvalidImageError
from offload_sdk.model.jpeg import strip_metadata
from offload_sdk.model.pixels import central_square
from offload_sdk.model.sources import (
    ArraySource,
    Decoded,
    EncodedSource,
    PictureLimits,
    PillowSource,
    Source,
    read_file,
)
from offload_sdk.model.spec import InputSpec

__all__ = ["OpenPicture", "PayloadOptions", "PictureLimits", "open_picture"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadOptions:
    """What is uploaded: the central square of the picture as JPEG.

    `side_px` None means as many pixels as the model's crop needs: 256 for an input of 224. `quality` is 30 to
    99; a smaller side or quality saves bytes and costs accuracy.

    Every frequency and colour is rounded to the same `step`, unlike in JPEG's usual tables: those hide errors
    from the eye, but a network is no eye. At the same size, more labels survive the upload; `python -m
    benchmarks.preprocessing` prints how many.
    """

    side_px: int | None = None
    quality: int = 90

    @property
    def step(self) -> int:
        """The quantisation step, in levels of brightness: 5 at quality 90."""
        return max(1, min(255, round((100 - self.quality) / 2)))

    def side_for(self, spec: InputSpec) -> int:
        return self.side_px or round(max(spec.width, spec.height) / spec.crop_frac)

    def expected_bytes(self, spec: InputSpec) -> int:
        """About what a photograph takes, for predictions before anything is encoded."""
        side = self.side_for(spec)
        bytes_per_pixel: float = 0.5 * (5 / self.step) ** 0.6
        return round(side * side * bytes_per_pixel)


def open_picture(
    image: Any,
    spec: InputSpec,
    *,
    limits: PictureLimits | None = None,
    payload: PayloadOptions | None = None,
) -> OpenPicture:
    """Opens an image and checks its format and size; decodes nothing yet.

    Args:
        image: a path (`str`, `os.PathLike`), encoded `bytes` (`bytearray`, `memoryview`), a
            `PIL.Image.Image`, or a uint8 array of shape (H, W, 3), RGB. An array is not copied, so it must
            not change before the picture has been used.
        spec: what the model wants.

    Raises:
        InvalidImageError: it is none of these, or cannot be read, or is too large.
    """
    return OpenPicture(_source(image, limits or PictureLimits()), spec, payload or PayloadOptions())


def _source(image: Any, limits: PictureLimits) -> Source:
    if isinstance(image, np.ndarray):
        return ArraySource(image, limits)
    if isinstance(image, Image.Image):
        return PillowSource(image, limits)
    if isinstance(image, (bytes, bytearray, memoryview)):
        return EncodedSource(image, limits)
    if isinstance(image, (str, os.PathLike)):
        return EncodedSource(read_file(image, limits), limits)
    raise InvalidImageError(
        f"An image must be a path, encoded bytes, a PIL image or a uint8 array, not {type(image).__name__}."
    )


class OpenPicture:
    """Implements `offload_sdk.typing.Picture`. Safe for several threads."""

    def __init__(self, source: Source, spec: InputSpec, options: PayloadOptions) -> None:
        self._source = source
        self._spec = spec
        self._options = options
        self._lock = threading.Lock()
        self._decoded: Decoded | None = None
        self._tensor: npt.NDArray[np.uint8] | None = None
        self._payload: bytes | None = None

    @property
    def info(self) -> ImageInfo:
        return self._source.info

    def tensor(self, timings: dict[str, float]) -> npt.NDArray[np.uint8]:
        """The model's input: uint8, (1, height, width, 3), RGB. Adds to `decode` and `preprocess`."""
        with self._lock:
            if self._tensor is None:
                decoded = self._pixels(timings)
                started_s = time.perf_counter()
                spec = self._spec
                square = central_square(
                    decoded.image, spec.width, spec.height, spec.crop_frac, decoded.orientation
                )
                self._tensor = np.asarray(square)[None]
                _add(timings, "preprocess", started_s)
            return self._tensor

    def payload(self, timings: dict[str, float]) -> tuple[bytes, str]:
        """What to upload, without any metadata, and its media type. Adds to `decode` and `encode`.

        The central square with just the pixels that the receiver's own crop then turns into the same input;
        or the original, if it is a JPEG that is smaller than that.
        """
        with self._lock:
            if self._payload is None:
                self._payload = self._small_original() or self._encode(timings)
            return self._payload, "image/jpeg"

    def _small_original(self) -> bytes | None:
        info, expected = self.info, self._options.expected_bytes(self._spec)
        if info.format != "JPEG" or (info.encoded_bytes or expected) > 4 * expected:
            return None  # large files are seldom that small without their metadata, and looking takes time
        original = self._source.original_jpeg()
        stripped = None if original is None else strip_metadata(original)
        return stripped if stripped is not None and len(stripped) <= expected else None

    def _encode(self, timings: dict[str, float]) -> bytes:
        decoded = self._pixels(timings)
        started_s = time.perf_counter()
        # A picture that is smaller than the payload is not blown up: the receiver does that itself.
        side = min(self._options.side_for(self._spec), *decoded.image.size)
        square = central_square(decoded.image, side, side, 1.0, decoded.orientation)
        square.info.clear()  # else Pillow would write the ICC profile and the comment of the original
        stream = BytesIO()
        table = [self._options.step] * 64
        # Colour at full resolution. Optimised Huffman tables would save 5 % for four times the time.
        square.save(stream, "JPEG", qtables=[table, table], subsampling=0)
        _add(timings, "encode", started_s)
        return stream.getvalue()

    def _pixels(self, timings: dict[str, float]) -> Decoded:
        if self._decoded is None:
            started_s = time.perf_counter()
            spec = self._spec
            short_px = max(max(spec.width, spec.height) / spec.crop_frac, self._options.side_for(spec))
            self._decoded = self._source.decode(short_px)
            _add(timings, "decode", started_s)
        return self._decoded


def _add(timings: dict[str, float], step: str, started_s: float) -> None:
    timings[step] = timings.get(step, 0.0) + time.perf_counter() - started_s
