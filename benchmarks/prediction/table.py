"""The tables that people read. No arithmetic but the change of units."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.prediction.summary import Cell

__all__ = ["render"]

_HEAD = (
    f"  {'link':<14}{'predictor':<11}{'error':>7}{'of mean':>8}"
    f"{'p50 loss':>10}{'p90':>6}{'p99':>6}{'/possible':>10}"
    f"{'in p50':>8}{'p90':>7}{'p99':>7}{'p90/p50':>9}  of its parts: RTT, transfer, server"
)
_LEGEND = (
    "error: median of |foretold − true| / true of the median, then of the mean; loss: pinball to ewma;\n"
    "/possible: the median's loss over that of hindsight; in p50 …: images that took no longer; p90/p50: how sharp"
)


def render(families: Sequence[Cell]) -> str:
    """A table for each payload and way, links below each other."""
    keys = list(dict.fromkeys((cell.payload_bytes, cell.way) for cell in families))
    return "\n\n".join([*(_table(families, *key) for key in keys), _LEGEND])


def _table(families: Sequence[Cell], payload_bytes: int, way: str) -> str:
    lines = [f"{way}, images of {payload_bytes / 1e3:g} KB", _HEAD]
    last = ""
    for cell in families:
        if (cell.payload_bytes, cell.way) != (payload_bytes, way):
            continue
        own = cell.score
        link = cell.link if cell.link != last else ""
        parts = "" if cell.part_errors is None else "  " + ", ".join(f"{part:.1%}" for part in cell.part_errors)
        lines.append(
            f"  {link:<14}{cell.predictor:<11}{own.error:7.1%}{own.mean_error:8.1%}"
            f"{cell.pinball_ratio[0]:10.2f}{cell.pinball_ratio[1]:6.2f}{cell.pinball_ratio[2]:6.2f}"
            f"{cell.possible_ratio:10.2f}{own.coverage[0]:8.1%}{own.coverage[1]:7.1%}{own.coverage[2]:7.1%}"
            f"{own.sharpness:9.2f}{parts}"
        )
        last = cell.link
    return "\n".join(lines)
