"""Turns any decoded picture into the square of RGB pixels that a model wants. No files, no encoding, no limits.

Device and server call the same functions, so that they see the same pixels.

Order of the steps: cut, make RGB, resize, turn. The central square stays the same region when a picture is
turned or mirrored, so the (small) result is turned, not the photograph.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from offload_sdk.errors import InvalidImageError

__all__ = ["REDUCING_GAP", "central_square", "draft_size", "to_rgb"]

_BICUBIC_SUPPORT_PX = 2  # of the kernel on each side, in pixels of the smaller of source and result
REDUCING_GAP = 2.0
"""A picture at least twice this many times too large is first shrunk by averaging whole blocks of pixels, to no
less than this many times the result; the bicubic filter does the rest. `python -m benchmarks.preprocessing`
prints what that changes."""

DRAFT_GAP = 1.4
"""A JPEG is decoded at 1/2, 1/4 or 1/8 when its short side is then still this many times the result's, so that
the bicubic filter still has something to average: at 1.0 the pixels would differ more than twice as much. 1.4
is the most that lets a photograph of 12 megapixels be decoded at 1/8. The benchmark prints the difference."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what makes the picture upright."""


def draft_size(width: int, height: int, short_px: float, gap: float = DRAFT_GAP) -> tuple[int, int]:
    """The smallest size to ask the JPEG decoder for, when the short side of the picture becomes `short_px`.

    The decoder takes the largest reduction that gives at least this size.
    """
    share = gap * short_px / min(width, height)
    return int(width * share), int(height * share)


def central_square(
    image: Image.Image,
    width: int,
    height: int,
    crop_frac: float,
    orientation: int = 1,
    gap: float = REDUCING_GAP,
) -> Image.Image:
    """The central square with a side of `crop_frac` of the short side, as RGB of `width` by `height` pixels.

    Raises:
        InvalidImageError: the colours cannot be understood.
    """
    short = min(image.size)
    side = short * crop_frac
    left, top = (image.width - side) / 2, (image.height - side) / 2
    # The filter looks past the edge of the square, so a margin is cut with it: the result is the same as if
    # the whole picture had been converted, for less work.
    margin = _BICUBIC_SUPPORT_PX * max(side / width, side / height, 1.0) * 2 + 1
    cut = (
        max(0, int(left - margin)),
        max(0, int(top - margin)),
        min(image.width, int(left + side + margin) + 1),
        min(image.height, int(top + side + margin) + 1),
    )
    whole = cut == (0, 0, *image.size)
    square = to_rgb(image if whole else image.crop(cut))
    box = (left - cut[0], top - cut[1], left + side - cut[0], top + side - cut[1])
    square = square.resize((width, height), Image.Resampling.BICUBIC, box=box, reducing_gap=gap)
    turn = _TURNS.get(orientation)
    return square if turn is None else square.transpose(turn)


def to_rgb(image: Image.Image) -> Image.Image:
    """RGB pixels of any mode. Transparent parts show white, as on a page; 16-bit grey keeps its upper byte.

    Raises:
        InvalidImageError: pixels without a fixed range (floating point, beyond 16 bits).
    """
    mode = image.mode
    if mode == "RGB" and "transparency" not in image.info:
        return image
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        layer = image.convert("RGBA")
        page = Image.new("RGB", layer.size, "white")
        page.paste(layer, mask=layer.getchannel("A"))
        return page
    if mode.startswith("I"):
        return Image.fromarray(_upper_byte(np.asarray(image))).convert("RGB")
    if mode == "F":
        raise InvalidImageError(
            "The image has floating-point pixels, whose range is not known; convert it to 8 bits first."
        )
    try:
        return image.convert("RGB")
    except ValueError as error:
        raise InvalidImageError(f"The image has colours of the kind {mode!r}, which cannot be read.") from error


def _upper_byte(grey: Any) -> Any:
    """16-bit grey as 8-bit. Older Pillow gives it as 32-bit integers, so the values decide."""
    if grey.size and (grey.min() < 0 or grey.max() > 0xFFFF):
        raise InvalidImageError("The image has grey values beyond 16 bits; convert it to 8 bits first.")
    return (grey >> 8).astype(np.uint8)
