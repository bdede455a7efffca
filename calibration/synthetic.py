"""A photo-like picture made from seeded numbers, and its encodings. No photograph is shipped or read.

Gradients, blotches of several sizes and a sensor's noise, so that codecs have about as much to do per pixel as
with a photograph (a JPEG of it takes about a quarter of a byte per pixel); made of one strip, mirrored downwards
to any height, so that memory stays small on a small board.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["ENCODINGS", "encoded", "picture"]

_SEED = 20240607
_STRIP_PX = 240

ENCODINGS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 90},
    "PNG": {"compress_level": 1},  # how hard the encoder tried hardly changes the decoder's work
    "WEBP": {"quality": 80, "method": 0},
}


def picture(width: int, height: int) -> Image.Image:
    """Return an RGB picture of this size; the same one for the same size."""
    from PIL import Image

    strip = _strip(width)
    mirrored = strip.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    whole = Image.new("RGB", (width, height))
    for row, top in enumerate(range(0, height, _STRIP_PX)):
        whole.paste(mirrored if row % 2 else strip, (0, top))
    return whole


def encoded(image: Image.Image, name: str) -> bytes:
    """Return the picture as a file in one of the formats of `ENCODINGS`."""
    stream = BytesIO()
    image.save(stream, name, **ENCODINGS[name])
    return stream.getvalue()


def _strip(width: int) -> Image.Image:
    """The picture's upper part, as wide as the whole: PNG would find repetitions within its 32 KB window."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(_SEED)
    height = _STRIP_PX
    y, x = np.mgrid[0:height, 0:width] / height

    def blotches(strengths: tuple[float, float, float]) -> Any:
        total = np.zeros((height, width))
        for cell_px, strength in zip((40, 10, 4), strengths, strict=True):
            grid = rng.normal(0.0, strength, (height // cell_px + 2, width // cell_px + 2))
            cell = Image.fromarray(grid.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
            total += np.asarray(cell)
        return total

    # Most detail is in the brightness, as in a photograph: codecs keep colour at half the resolution.
    brightness = blotches((28.0, 18.0, 12.0)) + rng.normal(0.0, 4.0, (height, width))
    channels = []
    for channel in range(3):
        colour = 110.0 + 40.0 * np.sin(3.0 * x + channel) * np.cos(2.0 * y - channel)
        level = colour + brightness + blotches((10.0, 3.0, 1.0)) + rng.normal(0.0, 1.5, (height, width))
        channels.append(np.clip(level, 0, 255).astype(np.uint8))
    return Image.fromarray(np.stack(channels, axis=-1))
