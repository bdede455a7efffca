"""From a recipe to an encoded picture of the wanted size. No files, no chance.

A photograph is enlarged and gets the grain of a sensor. As many pixels are taken as give a little more than the
wanted bytes; then rows are cut off until it is right, which needs no second enlargement.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING

from offload_sdk.workload.grain import with_grain
from offload_sdk.workload.photographs import photograph

if TYPE_CHECKING:
    from PIL.Image import Image

    from offload_sdk.workload.recipe import PictureFormat, Recipe

__all__ = ["EncodedPicture", "develop"]

_TOLERANCE = 0.02
_SPARE = 1.04  # aimed at before rows are cut off
_MOST_CUT = 1.4  # of the wanted bytes; with more, the shape of the picture would change too much
_TRIALS = 12  # bounds a search that ends after some three
_LEAST_EXPONENT = 0.5  # of bytes by pixels: enlarging adds pixels faster than detail
_LARGEST_STEP = 15.0  # in pixels, so that a cheap step tells the exponent before the dear one
_FIRST_PIXELS = 100_000  # a small one tells how many bits a pixel takes
_BITS_PER_PIXEL: dict[PictureFormat, float] = {"JPEG": 2.0, "PNG": 17.0, "WEBP": 1.6}
_GRAIN = 8.0  # levels; files of 12 megapixels then take 4 to 6 MB at the qualities of cameras


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPicture:
    """The file's bytes, and its size in pixels."""

    data: bytes
    width: int
    height: int


def develop(recipe: Recipe) -> EncodedPicture:
    """Make the picture, within 2 % of its size in bytes, or as near as whole rows of pixels come.

    Raises `ConfigurationError` when the photograph cannot be read.
    """
    pixels, exponent = min(8.0 * recipe.target_bytes / _BITS_PER_PIXEL[recipe.format], _FIRST_PIXELS), 1.0
    before: tuple[float, int] | None = None
    for _ in range(_TRIALS):
        picture = _enlarged(recipe, pixels)
        data = _encode(picture, recipe)
        excess = len(data) / recipe.target_bytes
        if 1.0 - _TOLERANCE <= excess <= _MOST_CUT:
            break
        if before is not None and before[0] != pixels:
            slope = math.log(len(data) / before[1]) / math.log(pixels / before[0])
            exponent = min(max(slope, _LEAST_EXPONENT), 1.0)
        before = pixels, len(data)
        pixels *= min((_SPARE / excess) ** (1.0 / exponent), _LARGEST_STEP)
    return _cut(picture, data, recipe)


def _cut(picture: Image, data: bytes, recipe: Recipe) -> EncodedPicture:
    """Cut off rows at the bottom until the size fits: by false position, as each row takes about as many bytes."""
    target = recipe.target_bytes
    best = EncodedPicture(data=data, width=picture.width, height=picture.height)
    low, low_bytes, high, high_bytes = 0, 0, best.height, len(data)
    while abs(len(best.data) / target - 1.0) > _TOLERANCE and low + 1 < high and low_bytes < target < high_bytes:
        between = low + round((high - low) * (target - low_bytes) / (high_bytes - low_bytes))
        rows = min(max(between, low + 1), high - 1)
        data = _encode(picture.crop((0, 0, picture.width, rows)), recipe)
        if abs(len(data) - target) < abs(len(best.data) - target):
            best = EncodedPicture(data=data, width=picture.width, height=rows)
        if len(data) < target:
            low, low_bytes = rows, len(data)
        else:
            high, high_bytes = rows, len(data)
    return best


def _enlarged(recipe: Recipe, pixels: float) -> Image:
    from PIL.Image import Resampling

    source = _source(recipe.photograph, recipe.mirrored)
    sides = source.width, source.height, source.width, source.height
    left, top, right, bottom = (share * side for share, side in zip(recipe.crop, sides, strict=True))
    scale = math.sqrt(pixels / ((right - left) * (bottom - top)))
    size = max(1, round(scale * (right - left))), max(1, round(scale * (bottom - top)))
    enlarged = source.resize(size, Resampling.BILINEAR, box=(left, top, right, bottom))
    return with_grain(enlarged, _GRAIN, recipe.grain_offset_px)


@cache
def _source(name: str, mirrored: bool) -> Image:
    from PIL.Image import Transpose

    stored = photograph(name)
    return stored.transpose(Transpose.FLIP_LEFT_RIGHT) if mirrored else stored


def _encode(picture: Image, recipe: Recipe) -> bytes:
    stream = BytesIO()
    if recipe.format == "PNG":
        picture.save(stream, "PNG", compress_level=1)  # noise does not compress: more effort gains a few per cent
    elif recipe.format == "WEBP":
        picture.save(stream, "WEBP", quality=recipe.quality, method=0)
    else:
        picture.save(stream, "JPEG", quality=recipe.quality)
    return stream.getvalue()
