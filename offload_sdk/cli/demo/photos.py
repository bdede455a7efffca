"""The photographs of the demonstration, as JPEG files of the sizes that cameras write.

They are those that scikit-image carries in its package, enlarged, with noise as of a sensor. Nothing is classified
here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from offload_sdk.workload.grain import with_grain
from offload_sdk.workload.photographs import photograph

__all__ = ["Photo", "write_photos"]

_QUALITY = 90
_NOISE = 3.0  # standard deviation of the noise, in levels of 0..255


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One file: what is on it, and the ImageNet classes of which one must be among the best three."""

    name: str
    path: Path
    width: int
    height: int
    classes: frozenset[int]

    @property
    def title(self) -> str:
        megapixels = self.width * self.height / 1e6
        return f"{self.name} {megapixels:.0f} MP" if megapixels > 2.0 else self.name


# Name, photograph, width in pixels, accepted classes: frames of a video camera, and one of a camera for stills.
_FRAMES = (
    ("coffee", "coffee", 800, {504, 967, 968}),  # coffee mug, espresso, cup
    ("cat", "chelsea", 800, {281, 282, 285, 287}),  # tabby, tiger cat, Egyptian cat, lynx
    ("rocket", "rocket", 800, {657, 744}),  # missile, projectile
    ("motorcycle", "motorcycle_left", 960, {665, 670}),  # moped, motor scooter
    ("camera", "camera", 720, {732, 759, 872}),  # Polaroid camera, reflex camera, tripod
)
_STILL = ("cat", "chelsea", 4250, {281, 282, 285, 287})
_MENU = (*_FRAMES, *_FRAMES, _STILL)


def write_photos(folder: Path) -> list[Photo]:
    """Write what is not there yet; return the photographs in the order in which they are shown.

    Raises `ConfigurationError` without scikit-image, `OSError` when a file cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [_write(name, source, width, frozenset(classes), folder) for name, source, width, classes in _MENU]


def _write(name: str, source: str, width: int, classes: frozenset[int], folder: Path) -> Photo:
    from PIL.Image import Resampling

    original = photograph(source)
    size = (width, round(original.height * width / original.width))
    path = folder / f"{name}-{size[0]}x{size[1]}.jpg"
    if not path.is_file():
        partial = path.with_suffix(".part")
        with_grain(original.resize(size, Resampling.BICUBIC), _NOISE).save(partial, "JPEG", quality=_QUALITY)
        os.replace(partial, path)
    return Photo(name=name, path=path, width=size[0], height=size[1], classes=classes)
