"""Puts a decoded picture into a model's input as the model wants it, and makes it small for its upload alike: what
is uploaded becomes the same input, but for its coding. How pixels are resized is `pixels`' business."""

from __future__ import annotations

from PIL import Image

from offload_sdk._view import WHOLE, View
from offload_sdk.model.pixels import SIDEWAYS, central_square, whole_picture
from offload_sdk.model.sources import Decoded
from offload_sdk.model.spec import InputSpec

__all__ = ["model_input", "upload"]


def model_input(decoded: Decoded, spec: InputSpec) -> tuple[Image.Image, View]:
    """Return the model's input, `spec.width` by `spec.height`, and where in it the picture lies."""
    if spec.fit == "crop":
        square = central_square(decoded.image, spec.width, spec.height, spec.crop_frac, decoded.orientation)
        return square, WHOLE
    width, height = _content_size(decoded, spec)
    content = whole_picture(decoded.image, width, height, decoded.orientation)
    if (width, height) == (spec.width, spec.height):
        return content, WHOLE
    left, top = (spec.width - width) // 2, (spec.height - height) // 2
    framed = Image.new("RGB", (spec.width, spec.height))
    framed.paste(content, (left, top))
    view = View(
        left=left / spec.width,
        top=top / spec.height,
        right=(left + width) / spec.width,
        bottom=(top + height) / spec.height,
    )
    return framed, view


def upload(decoded: Decoded, spec: InputSpec, side_px: int) -> Image.Image:
    """Return what of the picture goes into the model's input, its longer side `side_px` or as it is if smaller: a
    picture is not blown up, as the receiver does that itself."""
    if spec.fit == "crop":
        side = min(side_px, *decoded.image.size)
        return central_square(decoded.image, side, side, 1.0, decoded.orientation)
    width, height = _content_size(decoded, spec)
    scale = min(side_px / max(width, height), max(decoded.image.size) / max(width, height))
    return whole_picture(
        decoded.image, max(1, round(width * scale)), max(1, round(height * scale)), decoded.orientation
    )


def _content_size(decoded: Decoded, spec: InputSpec) -> tuple[int, int]:
    """Return the size that the upright picture has within the input."""
    if spec.fit == "stretch":
        return spec.width, spec.height
    width, height = decoded.image.size
    if decoded.orientation in SIDEWAYS:
        width, height = height, width
    scale = min(spec.width / width, spec.height / height)
    return max(1, round(width * scale)), max(1, round(height * scale))
