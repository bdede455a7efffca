"""Noise as of a camera's sensor: an enlarged picture alone would compress and decode too easily. No files."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["with_grain"]

_TILE_PX = 512
_TILE_SEED = 1


def with_grain(picture: Image, sd: float, offset_px: tuple[int, int] = (0, 0)) -> Image:
    """Return the RGB picture with normal noise of `sd` levels of 0..255, independent for each channel.

    The noise repeats every 512 pixels, and begins `offset_px` (x, y) into them. The same arguments give the same
    pixels with the same version of NumPy.
    """
    from PIL import Image, ImageChops

    tile = _tile(sd)
    noise = Image.new("RGB", picture.size)
    for left in range(-(offset_px[0] % _TILE_PX), picture.width, _TILE_PX):
        for top in range(-(offset_px[1] % _TILE_PX), picture.height, _TILE_PX):
            noise.paste(tile, (left, top))
    return ImageChops.add(picture, noise, scale=1.0, offset=-128)


@lru_cache(maxsize=4)
def _tile(sd: float) -> Image:
    import numpy as np
    from PIL import Image

    levels = np.random.default_rng(_TILE_SEED).normal(128.0, sd, (_TILE_PX, _TILE_PX, 3))
    return Image.fromarray(np.clip(np.rint(levels), 0, 255).astype(np.uint8))
