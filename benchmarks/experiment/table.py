"""The figures as aligned text. No arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.experiment.figures import Parts, Side

__all__ = ["parts_lines", "sides_lines"]


def sides_lines(sides: Sequence[Side]) -> list[str]:
    width = max(len(side.name) for side in sides)
    head = f"{'':<{width}}  mean ms  p50 ms  p95 ms  kB sent  failed  prototype's mean over its own"
    return [head] + [
        f"{side.name:<{width}} {1e3 * side.mean_s:8.1f}{1e3 * side.p50_s:8.1f}{1e3 * side.p95_s:8.1f}"
        f"{side.sent_bytes / 1e3:9.1f}{side.failures:8}  {side.ratio:5.1f}"
        f"  (95 %: {side.low:.1f} to {side.high:.1f})"
        for side in sides
    ]


def parts_lines(theirs: Parts, own: Parts) -> list[str]:
    """The prototype beside the client that sends every image, in ms."""
    rows = (
        ("bytes on the link", theirs.transfer_s, own.transfer_s),
        ("opening a connection", theirs.connection_s, own.connection_s),
        ("round trip of the exchange", theirs.round_trip_s, own.round_trip_s),
        ("server and client", theirs.rest_s + (theirs.server_s or 0.0), own.rest_s + (own.server_s or 0.0)),
    )
    told = "" if own.server_s is None else f"  (of ours the server told {1e3 * own.server_s:.1f})"
    lines = [
        f"{name:<28}{1e3 * before:9.1f}{1e3 * after:9.1f}{1e3 * (before - after):9.1f}"
        for name, before, after in rows
    ]
    return [f"{'mean ms':<28}{'prototype':>9}{'remote':>9}{'saved':>9}", *lines[:-1], lines[-1] + told]
