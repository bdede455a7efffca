"""What was found, as text and as rows with bounds. No arithmetic beyond units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.live.compare import Comparison, Side
from benchmarks.live.outage import Recovery
from benchmarks.results import Row

__all__ = ["BOUND", "comparison_rows", "recovery_rows", "render"]

BOUND = 0.05
_HEAD = f"{'':<20} {'mean ms':>8} {'p50':>7} {'p99':>7} {'remote':>7} {'both':>6}"


def render(comparisons: Sequence[Comparison]) -> Iterator[str]:
    yield _HEAD
    for found in comparisons:
        yield _line(f"{found.policy}, live", found.live)
        yield _line(f"{'':<{len(found.policy)}}  simulated", found.simulated)


def comparison_rows(comparisons: Sequence[Comparison]) -> list[Row]:
    return [
        Row(
            name=f"|live / simulated − 1|, mean of `{found.policy}`",
            value=100.0 * abs(found.off_frac),
            unit="%",
            bound=100.0 * BOUND,
            note=f"{found.off_frac:+.1%} [{found.low_frac:+.1%}, {found.high_frac:+.1%}] over pieces of the link; "
            f"by chance one run differs by ±{found.chance_frac:.1%}",
        )
        for found in comparisons
    ]


def recovery_rows(found: Recovery) -> list[Row]:
    back_s = found.probes_s + found.interval_s
    return [
        Row(
            name=f"{found.kind}: the image that met it first",
            value=1e3 * found.first_s,
            unit="ms",
            note=f"a local one: {1e3 * found.usual_s:.0f} ms; just before {found.before_frac:.0%} were remote",
        ),
        Row(
            name=f"{found.kind}: others that waited for the endpoint",
            value=found.waited,
            unit="",
            bound=0.0,
            note=f"of {found.images}, {found.both} on both sides; the slowest took {1e3 * found.worst_s:.0f} ms",
        ),
        Row(
            name=f"{found.kind}: until an image is answered by the endpoint again",
            value=float("inf") if found.back_s is None else found.back_s,
            unit="s",
            bound=back_s,
            note=f"two intervals of probes and one of images, {found.interval_s:g} s",
        ),
    ]


def _line(title: str, side: Side) -> str:
    return (
        f"{title:<20} {1e3 * side.mean_s:8.1f} {1e3 * side.p50_s:7.1f} {1e3 * side.p99_s:7.1f} "
        f"{side.remote_frac:7.1%} {side.duplicate_frac:6.1%}"
    )
