"""The picture that a sized link probe uploads: a tiny valid JPEG, padded with comment segments."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

__all__ = ["padded_jpeg"]

_MOST_PER_SEGMENT = 65533  # a segment's length field counts itself and has 16 bits


@lru_cache(maxsize=1)
def _tiny_jpeg() -> bytes:
    from PIL import Image

    buffer = BytesIO()
    Image.new("RGB", (32, 32), (128, 128, 128)).save(buffer, "JPEG", quality=50)
    return buffer.getvalue()


def padded_jpeg(size_bytes: int) -> bytes:
    """Return a JPEG of `size_bytes`, or of the smallest possible size (under 1 KB) if that is larger."""
    image = _tiny_jpeg()
    padding: list[bytes] = []
    missing = size_bytes - len(image)
    while missing > 4:
        content = min(missing - 4, _MOST_PER_SEGMENT - 2)
        padding.append(b"\xff\xfe" + (content + 2).to_bytes(2, "big") + b"\x00" * content)
        missing -= content + 4
    return image[:2] + b"".join(padding) + image[2:]
