"""Hide fixed regions of what a fixed camera sees, such as a neighbour's window, before anything is uploaded.

    python examples/redact_region.py photo.jpg sent.jpg        # what would be sent of a photo: to try the regions
    OFFLOAD_REDACT=redact_region:hide PYTHONPATH=examples offload-sdk classify photo.jpg

In a program: `Offloader(config, redact=hide)`. The device's own model sees the picture as it is.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

REGIONS = ((0.0, 0.0, 0.3, 0.4), (0.85, 0.5, 1.0, 1.0))
"""Left, top, right, bottom, each 0..1 of what is sent: by default the central square of the frame."""


def hide(pixels: Any) -> Any:
    """Fill each region of a uint8 array (height, width, 3) with its mean colour, which nothing can undo."""
    height, width = pixels.shape[:2]
    for left, top, right, bottom in REGIONS:
        # Rounded outwards: a seam of the window must not stay visible.
        rows = slice(int(top * height), -int(-bottom * height // 1))
        columns = slice(int(left * width), -int(-right * width // 1))
        pixels[rows, columns] = pixels[rows, columns].mean(axis=(0, 1))
    return pixels


def main(source: str, target: str) -> None:
    from offload_sdk.model import InputSpec, open_picture

    content, _ = open_picture(source, InputSpec(), redact=hide).payload({})
    Path(target).write_bytes(content)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
