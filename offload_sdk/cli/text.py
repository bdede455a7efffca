"""Values as people read them in a terminal. Pure."""

from __future__ import annotations

from typing import Any

__all__ = ["bytes_text", "milliseconds", "printable", "value_text"]

_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"))


def printable(text: str) -> str:
    """Return the text without control characters: a file name must not steer the terminal."""
    return "".join(ch if ch.isprintable() else f"\\x{ord(ch):02x}" for ch in text)


def milliseconds(seconds: float) -> str:
    value = seconds * 1e3
    return f"{value:.2f} ms" if value < 10 else f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"


def bytes_text(count: float) -> str:
    for size, unit in _BYTES:
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"


def value_text(name: str, value: Any) -> str:
    """Return a value in the unit that its name ends in; unknown is said."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        if name.endswith("bytes_per_s"):
            return f"{bytes_text(value)}/s"
        if name == "bytes" or name.endswith("_bytes"):
            return bytes_text(value)
        for suffix, unit in (("_c", "°C"), ("_w", "W"), ("_dbm", "dBm"), ("_j", "J")):
            if name.endswith(suffix):
                return f"{value:.1f} {unit}"
        if name.endswith("_frac"):
            return f"{100.0 * value:.0f} %"
        if name.endswith("_s"):
            return milliseconds(value)
        return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"
    return printable(str(value))
