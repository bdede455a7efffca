"""Pictures for benchmarks, made from a photograph that scikit-image carries. Nothing is read from elsewhere."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["camera_frame", "twelve_megapixel_jpeg"]


def camera_frame(width: int = 640, height: int = 480) -> npt.NDArray[np.uint8]:
    """A frame as a camera gives it: uint8, (height, width, 3), RGB."""
    from skimage import data

    return np.asarray(Image.fromarray(data.chelsea()).resize((width, height), Image.Resampling.BICUBIC))


@lru_cache(maxsize=1)
def twelve_megapixel_jpeg() -> bytes:
    """A JPEG of 4000 by 3000 pixels and some 3 MB: enlarged, with the noise that a sensor adds."""
    large = camera_frame(4000, 3000).astype(np.int16)
    grain = np.random.default_rng(1).normal(0.0, 4.0, large.shape[:2]).astype(np.int16)[..., None]
    picture = Image.fromarray(np.clip(large + grain, 0, 255).astype(np.uint8))
    stream = BytesIO()
    picture.save(stream, "JPEG", quality=85)
    return stream.getvalue()
