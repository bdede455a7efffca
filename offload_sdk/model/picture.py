"""`open_picture`: one image, opened now and decoded at most once, when and as far as somebody needs its pixels.

The steps live elsewhere: `sources` (what came in), `fit` (the model's input), `jpeg` (metadata), `payload` (how it
may be coded for its upload), `redact` (what of it may not be seen).
"""

from __future__ import annotations

import os
import threading
import time
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from offload_sdk._types import ImageInfo, Payload
from offload_sdk._view import WHOLE, View
from offload_sdk.errors import InvalidImageError
from offload_sdk.model.fit import model_input, upload
from offload_sdk.model.jpeg import strip_metadata
from offload_sdk.model.payload import payloads_for, quantisation_step
from offload_sdk.model.redact import Redaction
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
from offload_sdk.typing import Redact

__all__ = ["OpenPicture", "PictureLimits", "open_picture"]


def open_picture(
    image: Any,
    spec: InputSpec,
    *,
    limits: PictureLimits | None = None,
    payload: Payload | None = None,
    redact: Redact | None = None,
) -> OpenPicture:
    """Opens an image and checks its format and size; decodes nothing yet.

    Args:
        image: a path (`str`, `os.PathLike`), encoded `bytes` (`bytearray`, `memoryview`), a
            `PIL.Image.Image`, or a uint8 array of shape (H, W, 3), RGB. An array is not copied, so it must
            not change before the picture has been used.
        spec: what the model wants.
        payload: what to upload unless a call says otherwise, and the largest that a call may ask for; by
            default the best one for this model.
        redact: what the pixels of every upload go through first.

    Raises:
        InvalidImageError: it is none of these, or cannot be read, or is too large.
    """
    source = _source(image, limits or PictureLimits())
    return OpenPicture(
        source, spec, payload or payloads_for(spec)[0], None if redact is None else Redaction(redact)
    )


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

    def __init__(self, source: Source, spec: InputSpec, payload: Payload, redaction: Redaction | None) -> None:
        self._source = source
        self._spec = spec
        self._payload = payload
        self._redaction = redaction
        self._lock = threading.Lock()
        self._upload_lock = threading.Lock()  # taken first; a hook that takes its time keeps no inference waiting
        self._decoded: Decoded | None = None
        self._tensor: npt.NDArray[np.uint8] | None = None
        self._view = WHOLE
        self._cut: dict[int, Image.Image] = {}
        self._encoded: dict[Payload, bytes] = {}
        self._redacted: npt.NDArray[np.uint8] | None = None

    @property
    def info(self) -> ImageInfo:
        return self._source.info

    def tensor(self, timings: dict[str, float]) -> npt.NDArray[np.uint8]:
        """The model's input: uint8, (1, height, width, 3), RGB. Adds to `decode` and `preprocess`."""
        with self._lock:
            if self._tensor is None:
                decoded = self._pixels(timings)
                started_s = time.perf_counter()
                pixels, self._view = model_input(decoded, self._spec)
                self._tensor = np.asarray(pixels)[None]
                _add(timings, "preprocess", started_s)
            return self._tensor

    @property
    def view(self) -> View:
        return self._view

    def payload(self, timings: dict[str, float], payload: Payload | None = None) -> tuple[bytes, str]:
        """What to upload, without any metadata, and its media type. Adds to `decode`, `redact` and `encode`.

        The central square (or the whole picture, if the model sees that) with just the pixels that the receiver
        then turns into the same input, or fewer, as `payload` says; or the original, if it is a JPEG that is
        smaller than that and nothing is redacted. A `payload` that is no JPEG's counts as none.
        """
        wanted = self._wanted(payload)
        with self._upload_lock:
            encoded = self._encoded.get(wanted)
            if encoded is None:
                encoded = self._small_original(wanted) or self._encode(wanted, timings)
                self._encoded[wanted] = encoded
            return encoded, "image/jpeg"

    def upload_tensor(self, timings: dict[str, float]) -> npt.NDArray[np.uint8]:
        """The model's input as it may leave the device. Adds to `decode`, `preprocess` and `redact`."""
        tensor = self.tensor(timings)
        if self._redaction is None:
            return tensor
        with self._upload_lock:
            if self._redacted is None:
                self._redacted = self._redaction(tensor[0], timings)[None]
            return self._redacted

    def keep(self, payload: Payload | None) -> None:
        """Take what an upload needs of a picture in memory, whose owner may draw on it later."""
        if payload is not None and payload.quality is None:
            self.tensor({})
        else:
            self._pixels_to_send(self._wanted(payload), {})

    def _wanted(self, payload: Payload | None) -> Payload:
        return self._payload if payload is None or payload.quality is None else payload

    def _small_original(self, payload: Payload) -> bytes | None:
        info, expected = self.info, payload.expected_bytes
        if self._redaction is not None or info.format != "JPEG":
            return None
        if (info.encoded_bytes or expected) > 4 * expected:
            return None  # large files are seldom that small without their metadata, and looking takes time
        with self._lock:
            original = self._source.original_jpeg()
        stripped = None if original is None else strip_metadata(original)
        return stripped if stripped is not None and len(stripped) <= expected else None

    def _encode(self, payload: Payload, timings: dict[str, float]) -> bytes:
        pixels = self._pixels_to_send(payload, timings)
        if self._redaction is not None:
            pixels = Image.fromarray(self._redaction(np.asarray(pixels), timings))
        started_s = time.perf_counter()
        stream = BytesIO()
        assert payload.quality is not None
        table = [quantisation_step(payload.quality)] * 64
        # Colour at full resolution. Optimised Huffman tables would save 5 % for four times the time.
        pixels.save(stream, "JPEG", qtables=[table, table], subsampling=0)
        _add(timings, "encode", started_s)
        return stream.getvalue()

    def _pixels_to_send(self, payload: Payload, timings: dict[str, float]) -> Image.Image:
        with self._lock:
            cut = self._cut.get(payload.side_px)
            if cut is None:
                decoded = self._pixels(timings)
                started_s = time.perf_counter()
                cut = self._cut[payload.side_px] = upload(decoded, self._spec, payload.side_px)
                cut.info.clear()  # else Pillow would write the ICC profile and the comment of the original
                _add(timings, "encode", started_s)
            return cut

    def _pixels(self, timings: dict[str, float]) -> Decoded:
        if self._decoded is None:
            started_s = time.perf_counter()
            spec = self._spec
            short_px = max(max(spec.width, spec.height) / spec.crop_frac, self._payload.side_px)
            self._decoded = self._source.decode(short_px, whole=spec.fit != "crop")
            _add(timings, "decode", started_s)
        return self._decoded


def _add(timings: dict[str, float], step: str, started_s: float) -> None:
    timings[step] = timings.get(step, 0.0) + time.perf_counter() - started_s
