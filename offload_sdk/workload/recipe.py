"""What each picture shall be: size, format, quality, photograph, crop. Drawn by chance, no pixels."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Literal

from offload_sdk.errors import ConfigurationError
from offload_sdk.workload.photographs import PHOTOGRAPHS

__all__ = ["LARGEST_BYTES", "SMALLEST_BYTES", "PictureFormat", "Recipe", "WorkloadSpec", "recipes"]

PictureFormat = Literal["JPEG", "PNG", "WEBP"]

SMALLEST_BYTES, LARGEST_BYTES = 2_000, 5_000_000
"""The sizes of the thesis's 600 images. Smaller ones would be mostly headers, larger ones have too many pixels."""

_SUFFIXES: dict[PictureFormat, str] = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
_OTHERS_FRAC = 0.15  # of all pictures are PNG, and as many WebP, where that is a usual format for the size
_SMALLEST_PNG_BYTES = 20_000  # a PNG of 2 KB would be 30 pixels wide
_LARGEST_WEBP_BYTES = 1_000_000  # cameras write none
# From this size on, the lowest quality: thumbnails are coded coarsely, a camera's own files finely.
_LOWEST_QUALITY = ((1_000_000, 93), (100_000, 85), (0, 55))
_HIGHEST_QUALITY = 96
_LEAST_CROP = 0.7  # of either side of the photograph
_OFFSETS = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSpec:
    """`images` pictures whose sizes are log-uniform between the two bounds. Raises `ConfigurationError`."""

    images: int = 600
    seed: int = 0
    smallest_bytes: int = SMALLEST_BYTES
    largest_bytes: int = LARGEST_BYTES

    def __post_init__(self) -> None:
        if not 1 <= self.images <= 100_000:
            raise ConfigurationError(f"images is {self.images}; give 1 to 100000")
        if not SMALLEST_BYTES <= self.smallest_bytes <= self.largest_bytes <= LARGEST_BYTES:
            raise ConfigurationError(
                f"sizes of {self.smallest_bytes} to {self.largest_bytes} bytes cannot be had; they must rise, "
                f"between {SMALLEST_BYTES} and {LARGEST_BYTES}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One picture. `quality` is the coder's, None for PNG. `crop` is what is kept of the photograph: left, top,
    right, bottom as shares of its sides; `mirrored` swaps left and right. `grain_offset_px` is where the noise
    begins, so that two pictures that are else the same differ."""

    name: str
    target_bytes: int
    format: PictureFormat
    quality: int | None
    photograph: str
    crop: tuple[float, float, float, float]
    mirrored: bool
    grain_offset_px: tuple[int, int]


def recipes(spec: WorkloadSpec) -> tuple[Recipe, ...]:
    """The same for the same spec. Each picture is drawn from a generator of its own: the first of 600 are the same
    as those of 10."""
    digits = len(str(spec.images))
    return tuple(
        _recipe(f"{number:0{max(digits, 4)}}", spec, random.Random(f"{spec.seed}/{number}"))
        for number in range(1, spec.images + 1)
    )


def _recipe(number: str, spec: WorkloadSpec, rng: random.Random) -> Recipe:
    target_bytes = round(math.exp(rng.uniform(math.log(spec.smallest_bytes), math.log(spec.largest_bytes))))
    kind = _format(target_bytes, rng.random())
    lowest = next(quality for size_bytes, quality in _LOWEST_QUALITY if target_bytes >= size_bytes)
    quality = rng.randint(lowest, _HIGHEST_QUALITY)
    name = rng.choice(PHOTOGRAPHS)
    width, height = rng.uniform(_LEAST_CROP, 1.0), rng.uniform(_LEAST_CROP, 1.0)
    left, top = rng.uniform(0.0, 1.0 - width), rng.uniform(0.0, 1.0 - height)
    return Recipe(
        name=f"{number}-{name}.{_SUFFIXES[kind]}",
        target_bytes=target_bytes,
        format=kind,
        quality=None if kind == "PNG" else quality,
        photograph=name,
        crop=(left, top, left + width, top + height),
        mirrored=rng.random() < 0.5,
        grain_offset_px=(rng.randrange(_OFFSETS), rng.randrange(_OFFSETS)),
    )


def _format(target_bytes: int, drawn: float) -> PictureFormat:
    if drawn < _OTHERS_FRAC:
        return "PNG" if target_bytes >= _SMALLEST_PNG_BYTES else "JPEG"
    if drawn < 2.0 * _OTHERS_FRAC:
        return "WEBP" if target_bytes <= _LARGEST_WEBP_BYTES else "JPEG"
    return "JPEG"
