"""From the bytes that a caller sent to a picture, within the server's limits. The bound on pixels is checked here,
as it is a 413 and not a bad image."""

from __future__ import annotations

from offload_sdk.model import InputSpec, OpenPicture, PictureLimits, open_picture
from server_stub.problems import RequestError

__all__ = ["open_upload"]

_NO_PIXEL_LIMIT = 2**62
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""What devices and browsers send. Pillow's decoders of the others are slow on files made for that, or have had
many faults, which matters less to a device with its own pictures."""


def open_upload(image: bytes, spec: InputSpec, *, max_pixels: int) -> OpenPicture:
    """Return the picture for a model of this input. Raises `InvalidImageError` and `RequestError` (413)."""
    limits = PictureLimits(max_bytes=len(image), max_pixels=_NO_PIXEL_LIMIT, formats=_FORMATS)
    picture = open_picture(image, spec, limits=limits)
    if picture.info.pixels > max_pixels:
        raise RequestError.too_many_pixels(picture.info.pixels, max_pixels)
    return picture
