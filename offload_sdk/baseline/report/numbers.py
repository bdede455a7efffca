"""How figures are written: as many digits as they deserve, the same in a whole column. No statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["NOTHING", "column", "joules", "rounded", "seconds", "share", "size", "usd"]

NOTHING = "–"
_MOST_DECIMALS = 9


def column(values: Sequence[float | None], *, digits: int = 3, least: int = 2) -> list[str]:
    """Write a column with one number of decimals: `digits` significant ones for its smallest value, at least
    `least`, fewer where all that is cut off would be zeros. Unknown is a dash."""
    known = [abs(value) for value in values if value]
    decimals = least
    if known:
        decimals = max(least, digits - 1 - math.floor(math.log10(min(known))))
        decimals = min(decimals, _MOST_DECIMALS)
        while decimals > least and all(math.isclose(value, round(value, decimals - 1)) for value in known):
            decimals -= 1
    return [NOTHING if value is None else f"{value:,.{decimals}f}" if value else "0" for value in values]


def rounded(value: float, digits: int = 3) -> str:
    """Write one figure with so many significant digits, without an exponent."""
    if value == 0.0 or not math.isfinite(value):
        return f"{value:.0f}"
    return f"{value:,.{min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), _MOST_DECIMALS)}f}"


def seconds(value: float | None) -> str:
    if value is None:
        return NOTHING
    return f"{rounded(value * 1e3)} ms" if abs(value) < 1.0 else f"{value:,.2f} s"


def joules(value: float | None) -> str:
    return NOTHING if value is None else f"{rounded(value)} J"


def usd(value: float | None) -> str:
    return NOTHING if value is None else f"{column([value])[0]} USD"


def share(value: float) -> str:
    """Write a share 0..1 in percent."""
    return f"{100.0 * value:.1f} %"


def size(value: float | None) -> str:
    """Write bytes in kB, MB or GB, of 1000."""
    if value is None:
        return NOTHING
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{rounded(value / scale)} {unit}"
    return f"{value:.0f} B"
