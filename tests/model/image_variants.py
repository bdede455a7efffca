"""One picture in the colours and containers that people have."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image


def encode(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def variants(image: Image.Image) -> dict[str, Any]:
    """The same picture in the colours and containers that people have."""
    grey16 = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    clear = image.copy()
    clear.putalpha(255)
    return {
        "CMYK": encode(image.convert("CMYK"), "JPEG", quality=95),
        "palette": encode(image.quantize(256)),
        "GIF": encode(image, "GIF", save_all=True, append_images=[Image.new("RGB", image.size)], duration=50),
        "WebP": encode(image, "WEBP", quality=95),
        "BMP": encode(image, "BMP"),
        "TIFF": encode(image, "TIFF"),
        "alpha": encode(clear),
        "16-bit": encode(grey16),
        "16-bit TIFF": encode(grey16, "TIFF"),
        "grey": encode(image.convert("L")),
        "progressive": encode(image, "JPEG", progressive=True, quality=95),
        "mode LA": image.convert("LA"),
        "mode YCbCr": image.convert("YCbCr"),
        "mode HSV": image.convert("HSV"),
    }
