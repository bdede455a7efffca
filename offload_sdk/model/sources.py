"""The three ways an image comes: encoded bytes, a Pillow image, an array of pixels. Each is checked before it is
decoded, and every fault of the decoder becomes one `InvalidImageError`.

Resizing, timing and encoding are the business of others.
"""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFile

from offload_sdk._types import ImageInfo
from offload_sdk.errors import InvalidImageError
from offload_sdk.model.pixels import draft_size

__all__ = ["ArraySource", "Decoded", "EncodedSource", "PictureLimits", "PillowSource", "Source", "read_file"]

_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF", "HEIF", "JPEG2000")
"""Pillow's other formats are rare, and some of them start other programs. HEIF needs a plug-in of the user's."""
_START_OF_SCAN = b"\xff\xda"  # cannot occur within coded pixels
_MAX_SCANS = 32
"""Progressive files have about ten, thumbnails add a few. The decoder goes over all the pixels for each, so that a
small file of thousands would keep it busy for minutes."""
_ORIENTATION_TAG = 0x0112
_MOST_PATH_CHARS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLimits:
    """What is refused before anything is decoded. `formats` are some of Pillow's names."""

    max_bytes: int = 64 * 2**20
    max_pixels: int = 64_000_000
    formats: tuple[str, ...] = _FORMATS

    def check(self, width: int, height: int) -> None:
        if width < 1 or height < 1:
            raise InvalidImageError(f"The image is empty: {width} x {height} pixels.")
        if width * height > self.max_pixels:
            raise InvalidImageError(
                f"The image is too large: {width} x {height} is {width * height / 1e6:.0f} megapixels, "
                f"and at most {self.max_pixels / 1e6:.0f} are accepted."
            )


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pixels in memory (perhaps at reduced scale), and the EXIF orientation that they still need."""

    image: Image.Image
    orientation: int = 1


class Source(Protocol):
    @property
    def info(self) -> ImageInfo: ...

    def decode(self, short_px: float, *, whole: bool = False) -> Decoded:
        """The pixels; the short side may come smaller than stored, if `short_px` can still be made from it. Unless
        the `whole` picture is wanted, only the central square need come."""
        ...

    def original_jpeg(self) -> bytes | None:
        """The file as it came, if it is an upright JPEG."""
        ...


class EncodedSource:
    """An encoded image. Its header is read at once, its pixels when they are needed."""

    def __init__(self, encoded: bytes | bytearray | memoryview, limits: PictureLimits) -> None:
        size = memoryview(encoded).nbytes
        if size == 0:
            raise InvalidImageError("The image is empty: 0 bytes.")
        if size > limits.max_bytes:
            raise InvalidImageError(
                f"The image is too large: {size:,} bytes, and at most {limits.max_bytes:,} are accepted."
            )
        self._encoded = bytes(encoded)
        self._image = _identify(self._encoded, limits.formats)
        width, height = self._image.size
        limits.check(width, height)
        name = "JPEG" if self._image.format == "MPO" else self._image.format or ""
        if name == "JPEG" and (scans := self._encoded.count(_START_OF_SCAN)) > _MAX_SCANS:
            raise InvalidImageError(f"The image comes in {scans} scans, and at most {_MAX_SCANS} are accepted.")
        self.info = ImageInfo(format=name, width=width, height=height, encoded_bytes=size)

    def decode(self, short_px: float, *, whole: bool = False) -> Decoded:
        image = self._image
        try:
            if self.info.format == "JPEG":
                image.draft(None, draft_size(self.info.width, self.info.height, short_px))
            image.load()
        except Exception as error:  # Pillow's decoders raise whatever they come across
            raise InvalidImageError(f"The image cannot be decoded: {_words(error)}.") from error
        return Decoded(image, _orientation(image))

    def original_jpeg(self) -> bytes | None:
        return self._encoded if self.info.format == "JPEG" and _orientation(self._image) == 1 else None


class PillowSource:
    """An image of the caller's, which is never changed."""

    def __init__(self, image: Image.Image, limits: PictureLimits) -> None:
        limits.check(*image.size)
        self._image = image
        waits = isinstance(image, ImageFile.ImageFile) and bool(getattr(image, "tile", None))
        name = (image.format or "") if waits else "RGB"
        self.info = ImageInfo(format=name, width=image.width, height=image.height)

    def decode(self, short_px: float, *, whole: bool = False) -> Decoded:
        try:
            self._image.load()
        except Exception as error:  # as above; also a file that the caller has closed
            raise InvalidImageError(f"The image cannot be decoded: {_words(error)}.") from error
        return Decoded(self._image, _orientation(self._image))

    def original_jpeg(self) -> bytes | None:
        return None


class ArraySource:
    """Pixels of a camera: uint8, (height, width, 3), RGB."""

    def __init__(self, pixels: npt.NDArray[Any], limits: PictureLimits) -> None:
        if pixels.dtype != np.uint8:
            raise InvalidImageError(f"The array holds {pixels.dtype}; it must hold uint8 values, 0 to 255.")
        if pixels.ndim != 3 or pixels.shape[2] != 3:
            raise InvalidImageError(f"The array has the shape {pixels.shape}; it must be (height, width, 3), RGB.")
        height, width = pixels.shape[:2]
        limits.check(width, height)
        self._pixels = pixels
        self.info = ImageInfo(format="RGB", width=width, height=height)

    def decode(self, short_px: float, *, whole: bool = False) -> Decoded:
        if whole:
            return Decoded(Image.fromarray(self._pixels))
        # Pillow stores four bytes a pixel, so this copies once; only the central square of it will be used.
        height, width = self._pixels.shape[:2]
        short = min(height, width)
        top, left = (height - short) // 2, (width - short) // 2
        # An odd rest is kept on both sides, or the centre would move by half a pixel.
        square = self._pixels[top : height - top, left : width - left]
        return Decoded(Image.fromarray(square))

    def original_jpeg(self) -> bytes | None:
        return None


def read_file(path: str | os.PathLike[str], limits: PictureLimits) -> bytes:
    """The bytes of a regular file that is not too large. Anything else is refused before it is opened, as
    opening a pipe or a device may wait for ever."""
    name = os.fspath(path)
    name = name if len(name) <= _MOST_PATH_CHARS else f"{name[:_MOST_PATH_CHARS]}…"
    try:
        _check_file(os.stat(path), name, limits)
        # What has that name may change before it is opened; a pipe must not make this wait even then.
        with open(path, "rb", opener=_open_without_waiting) as stream:
            _check_file(os.fstat(stream.fileno()), name, limits)
            return stream.read(limits.max_bytes + 1)
    except FileNotFoundError as error:
        raise InvalidImageError(f"There is no file {name}.") from error
    except (OSError, ValueError) as error:
        if isinstance(error, InvalidImageError):
            raise
        raise InvalidImageError(f"{name!r} cannot be read: {_words(error)}.") from error


def _check_file(facts: os.stat_result, name: str, limits: PictureLimits) -> None:
    if stat.S_ISDIR(facts.st_mode):
        raise InvalidImageError(f"{name} is a folder, not an image.")
    if not stat.S_ISREG(facts.st_mode):
        raise InvalidImageError(f"{name} is not a regular file.")
    if facts.st_size > limits.max_bytes:
        raise InvalidImageError(
            f"{name} is too large: {facts.st_size:,} bytes, and at most {limits.max_bytes:,} are accepted."
        )


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _identify(encoded: bytes, formats: tuple[str, ...]) -> Image.Image:
    """The image with its header read. Like `Image.open`, but for the formats above only, and without Pillow's
    warning about large pictures: ours are refused by `PictureLimits`, with an error."""
    prefix = encoded[:16]
    cause: Exception | None = None
    for factory, accept in _plugins(formats):
        if accept is not None and accept(prefix) is not True:
            continue
        try:
            image: Image.Image = factory(BytesIO(encoded), "")
            return image
        except (SyntaxError, IndexError, TypeError, KeyError, EOFError, struct.error) as error:
            cause = error
        except Exception as error:  # as when decoding
            raise InvalidImageError(f"The image cannot be read: {_words(error)}.") from error
    if cause is not None:
        raise InvalidImageError(
            "The image is damaged: it begins like one, but its header makes no sense."
        ) from cause
    raise InvalidImageError(f"The data is not an image in a known format ({', '.join(formats)}).")


def _plugins(formats: tuple[str, ...]) -> Iterator[tuple[Any, Any]]:
    """Pillow's readers of the formats above. The rarer half is loaded only for data that the first half does
    not know: that takes as long as several inferences, and megabytes."""
    Image.preinit()
    first = [name for name in formats if name in Image.OPEN]
    yield from (Image.OPEN[name] for name in first)
    if len(first) < len(formats):
        Image.init()
        yield from (Image.OPEN[name] for name in formats if name in Image.OPEN and name not in first)


def _orientation(image: Image.Image) -> int:
    """1..8; 1 if the file does not say, or says it in a damaged way, which does not spoil the picture."""
    try:
        found = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _words(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "it does not fit in memory"
    text = str(getattr(error, "strerror", None) or error).strip()
    return (text.splitlines()[0] if text else type(error).__name__).rstrip(".")
