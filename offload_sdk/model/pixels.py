"""Turns any decoded picture into the RGB pixels that a model wants. No files, no encoding, no limits.

Device and server call the same functions, so that they see the same pixels.

Order of the steps: cut, make RGB, resize, turn. The central square stays the same region when a picture is
turned or mirrored, so the (small) result is turned, not the photograph.

A small board may hold a large picture once, but not twice: it is cut, made RGB and averaged in strips, which gives
the same pixels as doing it in one piece.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image

from offload_sdk.errors import InvalidImageError

__all__ = ["REDUCING_GAP", "SIDEWAYS", "central_square", "draft_size", "to_rgb", "whole_picture"]

_BICUBIC_SUPPORT_PX = 2  # of the kernel on each side, in pixels of the smaller of source and result
_PILLOW_MARGIN = 1.5  # what `Image.resize` keeps on each side of a box, in pixels of the result
_STRIP_PX = 2**18  # made RGB at a time: with everything in between some 4 MB
REDUCING_GAP = 2.0
"""A picture at least twice this many times too large is first shrunk by averaging whole blocks of pixels, to no
less than this many times the result; the bicubic filter does the rest. `python -m benchmarks.preprocessing`
prints what that changes."""

DRAFT_GAP = 1.4
"""A JPEG is decoded at 1/2, 1/4 or 1/8 when its short side is then still this many times the result's, so that
the bicubic filter still has something to average: at 1.0 the pixels would differ more than twice as much. 1.4
is the most that lets a photograph of 12 megapixels be decoded at 1/8. The benchmark prints the difference."""

_Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels

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

SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations of pictures whose width is stored as their height."""


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
    side = min(image.size) * crop_frac
    left, top = (image.width - side) / 2, (image.height - side) / 2
    return _upright_rgb(image, (left, top, left + side, top + side), width, height, orientation, gap)


def whole_picture(image: Image.Image, width: int, height: int, orientation: int = 1) -> Image.Image:
    """The upright picture, all of it, as RGB of `width` by `height` pixels.

    Raises:
        InvalidImageError: the colours cannot be understood.
    """
    if orientation in SIDEWAYS:
        width, height = height, width
    box = (0.0, 0.0, float(image.width), float(image.height))
    return _upright_rgb(image, box, width, height, orientation, REDUCING_GAP)


def _upright_rgb(
    image: Image.Image, box: _Box, width: int, height: int, orientation: int, gap: float
) -> Image.Image:
    # Cut first even if it is RGB: recent Pillow chooses the order of its two passes, and with it the rounding, by
    # the shape of the whole picture, and then the receiver of a square would see other pixels.
    averaged, box = _averaged_rgb(image, box, width, height, gap)
    resized = averaged.resize((width, height), Image.Resampling.BICUBIC, box=box)
    turn = _TURNS.get(orientation)
    return resized if turn is None else resized.transpose(turn)


def _averaged_rgb(image: Image.Image, box: _Box, width: int, height: int, gap: float) -> tuple[Image.Image, _Box]:
    """What `Image.resize` would average out of the RGB picture as its first step, and where `box` is in that."""
    scale_x, scale_y = (box[2] - box[0]) / width, (box[3] - box[1]) / height
    factor_x, factor_y = int(scale_x / gap) or 1, int(scale_y / gap) or 1
    # The filter looks past the edge of the square, so a margin is cut with it. Where blocks are averaged it must
    # be Pillow's own, or they would lie elsewhere than in an RGB picture.
    if max(factor_x, factor_y) > 1:
        margin_x, margin_y = (_PILLOW_MARGIN * scale for scale in (scale_x, scale_y))
    else:
        margin_x, margin_y = (_BICUBIC_SUPPORT_PX * max(scale, 1.0) + 1 for scale in (scale_x, scale_y))
    left, top = max(0, int(box[0] - margin_x)), max(0, int(box[1] - margin_y))
    right = min(image.width, math.ceil(box[2] + margin_x))
    bottom = min(image.height, math.ceil(box[3] + margin_y))
    averaged = Image.new("RGB", (-(-(right - left) // factor_x), -(-(bottom - top) // factor_y)))
    rows = factor_y * max(1, _STRIP_PX // ((right - left) * factor_y))
    for y in range(top, bottom, rows):
        strip = to_rgb(image.crop((left, y, right, min(bottom, y + rows))))
        averaged.paste(strip.reduce((factor_x, factor_y)), (0, (y - top) // factor_y))
    return averaged, (
        (box[0] - left) / factor_x,
        (box[1] - top) / factor_y,
        (box[2] - left) / factor_x,
        (box[3] - top) / factor_y,
    )


def _is_rgb(image: Image.Image) -> bool:
    return image.mode == "RGB" and "transparency" not in image.info


def to_rgb(image: Image.Image) -> Image.Image:
    """RGB pixels of any mode. Transparent parts show white, as on a page; 16-bit grey keeps its upper byte.

    Raises:
        InvalidImageError: pixels without a fixed range (floating point, beyond 16 bits), or damaged colours.
    """
    if image.mode == "F":
        raise InvalidImageError(
            "The image has floating-point pixels, whose range is not known; convert it to 8 bits first."
        )
    if _is_rgb(image):
        return image
    try:
        return _converted(image)
    except InvalidImageError:
        raise
    except Exception as error:  # Pillow raises several kinds for colours that it cannot make sense of
        raise InvalidImageError(
            f"The image has colours of the kind {image.mode!r} that cannot be read ({type(error).__name__}); "
            "save it as RGB."
        ) from error


def _converted(image: Image.Image) -> Image.Image:
    mode = image.mode
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        if mode == "La":
            image = image.convert("LA")  # the only way that Pillow knows
        layer = image.convert("RGBA")
        page = Image.new("RGB", layer.size, "white")
        page.paste(layer, mask=layer.getchannel("A"))
        return page
    if mode.startswith("I"):
        return Image.fromarray(_upper_byte(np.asarray(image))).convert("RGB")
    return image.convert("RGB")


def _upper_byte(grey: Any) -> Any:
    """16-bit grey as 8-bit. Older Pillow gives it as 32-bit integers, so the values decide."""
    if grey.size and (grey.min() < 0 or grey.max() > 0xFFFF):
        raise InvalidImageError("The image has grey values beyond 16 bits; convert it to 8 bits first.")
    return (grey >> 8).astype(np.uint8)
