"""Tables and figures as plain text: columns under each other, times and sizes in the unit that suits. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

__all__ = ["aligned", "size", "time", "widths"]


def aligned(lines: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """Return the lines, all of one length, under each other; the columns `left` are flush left, others right."""
    wide = widths(lines)
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, wide, strict=True))
        ).rstrip()
        for line in lines
    )


def widths(lines: Sequence[Sequence[str]]) -> list[int]:
    """Return the characters that each column takes."""
    return [max(map(len, column)) for column in zip(*lines, strict=True)]


def time(seconds: float) -> str:
    milliseconds = 1e3 * seconds
    return f"{milliseconds:.1f} ms" if milliseconds < 99.95 else f"{milliseconds:,.0f} ms"


def size(count: float) -> str:
    """Write bytes; kB and MB are of 1000."""
    return f"{count:.0f} B" if count < 1e3 else f"{count / 1e3:.1f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"
