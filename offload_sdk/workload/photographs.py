"""The photographs that scikit-image carries in its wheel: the one place that knows where they lie.

Nothing is enlarged here, and nothing that scikit-image would have to download is named.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from offload_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PHOTOGRAPHS", "photograph"]

_FILES = (
    *("astronaut.png", "brick.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "grass.png"),
    *("gravel.png", "hubble_deep_field.jpg", "motorcycle_left.png", "motorcycle_right.png", "rocket.jpg"),
)
PHOTOGRAPHS = tuple(name.partition(".")[0] for name in _FILES)
"""Their names; `chelsea` is a cat. 300 to 1000 pixels high and wide, some of them grey."""


def photograph(name: str) -> Image:
    """One of `PHOTOGRAPHS`, decoded, as RGB. Raises `ConfigurationError` if scikit-image or the file lacks."""
    package = find_spec("skimage")
    if package is None or package.origin is None:
        raise ConfigurationError("the photographs need scikit-image: pip install 'offload-sdk[demo]'")
    from PIL.Image import open as open_image

    file = _FILES[PHOTOGRAPHS.index(name)]
    try:
        with open_image(Path(package.origin).parent / "data" / file) as stored:
            decoded: Image = stored.convert("RGB")
    except OSError as error:
        raise ConfigurationError(
            f"the photograph {file} of scikit-image cannot be read ({error}); reinstall it: "
            "pip install --force-reinstall scikit-image"
        ) from None
    return decoded
