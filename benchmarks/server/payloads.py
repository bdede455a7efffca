"""The pictures that are sent: photographs as a device uploads them by default. No HTTP."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from offload_sdk.model import InputSpec, open_picture

__all__ = ["payloads"]

_PHOTOGRAPHS = ("chelsea", "astronaut", "coffee")


def payloads() -> list[bytes]:
    """JPEG files of 256 by 256 pixels, of the photographs that scikit-image carries."""
    import skimage.data

    found = []
    for name in _PHOTOGRAPHS:
        stream = BytesIO()
        Image.fromarray(getattr(skimage.data, name)()).save(stream, "JPEG", quality=95)
        found.append(open_picture(stream.getvalue(), InputSpec()).payload({})[0])
    return found
