"""The tables that people read. No arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.fog.cells import CHARTS
from benchmarks.fog.claims import Claim
from benchmarks.fog.summary import Row

__all__ = ["render"]


def render(rows: Sequence[Row], claims: Sequence[Claim]) -> str:
    """A table a chart, a policy a line and a place on the axis a column; then the claims."""
    parts = []
    for chart in CHARTS:
        own = [row for row in rows if row.chart == chart.number]
        places = list(dict.fromkeys(row.x for row in own))
        head = "".join(f"{x:>14g}" for x in places)
        lines = [f"chart {chart.number}: {chart.metric} by {chart.axis}", f"{'policy':<18}{head}"]
        for policy in dict.fromkeys(row.policy for row in own):
            points = "".join(f"{_point(row):>14}" for row in own if row.policy == policy)
            lines.append(f"{policy:<18}{points}")
        parts.append("\n".join(lines))
    width = max(len(claim.claim) for claim in claims)
    parts.append(
        "\n".join(
            f"{claim.claim:<{width}}  {'yes' if claim.reproduced else 'NO':<4} {claim.figure}" for claim in claims
        )
    )
    parts.append("± is half of a 95 % interval over seeds; cells, better, worse: see benchmarks/fog/claims.py.")
    return "\n\n".join(parts)


def _point(row: Row) -> str:
    return f"{row.mean:.2f}" if row.ci is None else f"{row.mean:.2f} ± {row.ci:.2f}"
