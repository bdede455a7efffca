"""The photographs of the demonstration, as JPEG files of the sizes that cameras write.

They are those that scikit-image carries in its package, enlarged, with noise as of a sensor, because an enlarged
picture alone would compress and decode too easily. Nothing is classified here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from offload_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Photo", "write_photos"]

_QUALITY = 90
_NOISE = 3.0  # standard deviation of the noise, in levels of 0..255
_TILE_PX = 512


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


# Name, file, width in pixels, accepted classes: frames of a video camera, and one of a camera for stills.
_FRAMES = (
    ("coffee", "coffee.png", 800, {504, 967, 968}),  # coffee mug, espresso, cup
    ("cat", "chelsea.png", 800, {281, 282, 285, 287}),  # tabby, tiger cat, Egyptian cat, lynx
    ("rocket", "rocket.jpg", 800, {657, 744}),  # missile, projectile
    ("motorcycle", "motorcycle_left.png", 960, {665, 670}),  # moped, motor scooter
    ("camera", "camera.png", 720, {732, 759, 872}),  # Polaroid camera, reflex camera, tripod
)
_STILL = ("cat", "chelsea.png", 4250, {281, 282, 285, 287})
_MENU = (*_FRAMES, *_FRAMES, _STILL)


def write_photos(folder: Path) -> list[Photo]:
    """Write what is not there yet; return the photographs in the order in which they are shown.

    Raises `ConfigurationError` without scikit-image.
    """
    package = find_spec("skimage")
    if package is None or package.origin is None:
        raise ConfigurationError("the demo's photographs need scikit-image: pip install 'offload-sdk[demo]'")
    folder.mkdir(parents=True, exist_ok=True)
    return [
        _write(name, Path(package.origin).parent / "data" / file, width, frozenset(classes), folder)
        for name, file, width, classes in _MENU
    ]


def _write(name: str, source: Path, width: int, classes: frozenset[int], folder: Path) -> Photo:
    from PIL import Image

    try:
        with Image.open(source) as original:
            size = (width, round(original.height * width / original.width))
            path = folder / f"{name}-{size[0]}x{size[1]}.jpg"
            if not path.is_file():
                _save(original.convert("RGB").resize(size, Image.Resampling.BICUBIC), path)
    except OSError as error:
        raise ConfigurationError(
            f"the photograph {source.name} of scikit-image cannot be read ({error}); reinstall it: "
            "pip install --force-reinstall scikit-image"
        ) from None
    return Photo(name=name, path=path, width=size[0], height=size[1], classes=classes)


def _save(picture: Image, path: Path) -> None:
    from PIL import Image, ImageChops

    tile = Image.merge("RGB", [Image.effect_noise((_TILE_PX, _TILE_PX), _NOISE) for _ in range(3)])
    noise = Image.new("RGB", picture.size)
    for left in range(0, picture.width, _TILE_PX):
        for top in range(0, picture.height, _TILE_PX):
            noise.paste(tile, (left, top))
    partial = path.with_suffix(".part")
    ImageChops.add(picture, noise, scale=1.0, offset=-128).save(partial, "JPEG", quality=_QUALITY)
    os.replace(partial, path)
