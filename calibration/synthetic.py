"""A photo-like picture made from seeded numbers, and its encodings. No photograph is shipped or read.

Gradients, blotches of several sizes and a sensor's noise, so that codecs have about as much to do per pixel as
with a photograph (a JPEG of it takes about a quarter of a byte per pixel); tiled and mirrored to any size, so that
memory stays small on a small board.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ENCODINGS", "encoded", "picture"]

_SEED = 20240607
_TILE = (320, 240)

ENCODINGS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 90},
    "PNG": {"compress_level": 1},  # how hard the encoder tried hardly changes the decoder's work
    "WEBP": {"quality": 80, "method": 0},
}


def picture(width: int, height: int) -> Image.Image:
    """Return an RGB picture of this size; the same one for the same size."""
    from PIL import Image

    tile = _tile()
    flips = {
        (0, 0): tile,
        (1, 0): tile.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        (0, 1): tile.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        (1, 1): tile.transpose(Image.Transpose.ROTATE_180),
    }
    whole = Image.new("RGB", (width, height))
    for column, left in enumerate(range(0, width, _TILE[0])):
        for row, top in enumerate(range(0, height, _TILE[1])):
            whole.paste(flips[column % 2, row % 2], (left, top))
    return whole


def encoded(image: Image.Image, name: str) -> bytes:
    """Return the picture as a file in one of the formats of `ENCODINGS`."""
    stream = BytesIO()
    image.save(stream, name, **ENCODINGS[name])
    return stream.getvalue()


def _tile() -> Image.Image:
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(_SEED)
    width, height = _TILE
    y, x = np.mgrid[0:height, 0:width] / height
    channels = []
    for channel in range(3):
        level = 110.0 + 60.0 * np.sin(3.0 * x + channel) * np.cos(2.0 * y - channel)
        for cell_px, strength in ((40, 22.0), (10, 14.0), (4, 8.0)):
            grid = rng.normal(0.0, strength, (height // cell_px + 2, width // cell_px + 2))
            blotches = Image.fromarray(grid.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
            level = level + np.asarray(blotches)
        channels.append(level + rng.normal(0.0, 2.5, (height, width)))
    return Image.fromarray(np.clip(np.stack(channels, axis=-1), 0, 255).astype(np.uint8))
