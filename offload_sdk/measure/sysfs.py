"""Reading the kernel's one-value files. Absent, unreadable and senseless are all None; nothing here raises."""

from __future__ import annotations

import math
from pathlib import Path

__all__ = ["children", "number", "text"]


def text(path: Path) -> str | None:
    """Return the file's content without surrounding white space, or None. An empty file is None."""
    try:
        content = path.read_bytes()[:65536].decode("utf-8", "replace").strip("\0 \t\r\n")
    except OSError:
        return None
    return content or None


def number(path: Path, scale: float = 1.0) -> float | None:
    """Return the decimal number in the file times `scale`, or None if there is no finite one."""
    content = text(path)
    if content is None:
        return None
    try:
        value = float(content) * scale
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def children(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the entries of a folder in the order of their names; an absent or forbidden one has none."""
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []
