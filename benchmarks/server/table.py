"""The comparison as text. No arithmetic beyond units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.server.summary import Line
from benchmarks.server.turn import LOAD_FRAC

__all__ = ["render"]

_HEAD = (
    f"{'server':<14} {'model':<26} {'req/s':>7} {'of core':>7} {'CPU ms':>7} {'p50 ms':>7} {'p99':>7} "
    f"{f'p50 at {LOAD_FRAC:.0%}':>10} {'p99':>7} {'ours/it':>8} {'by CPU':>7} {'MB':>5} {'refused':>7}"
)


def render(lines: Sequence[Line], missing: Mapping[str, str]) -> Iterator[str]:
    """The table, what runs, and what could not be measured."""
    yield _HEAD
    for line in lines:
        yield _row(line)
    for name, reason in missing.items():
        yield f"{name:<14} not measured: {reason}"
    for line in lines:
        verdict = {True: "; same best classes as the bare work", False: "; OTHER best classes", None: ""}
        yield f"  {line.name}, {line.model}: {line.versions}{verdict[line.agrees]}"
        if line.bare_per_s is not None:
            yield f"  {line.model} without a server: {line.bare_per_s:.1f} pictures a second"


def _row(line: Line) -> str:
    found = line.medians
    rivalry = f"{'':>8} {'':>7}"
    if line.per_s_ratio is not None and line.cpu_ratio is not None:
        rivalry = f"{line.per_s_ratio.median:8.2f} {line.cpu_ratio.median:7.2f}"
    return (
        f"{line.name:<14} {line.model:<26} {found['per_s']:7.1f} {found['busy_frac']:7.0%} "
        f"{1e3 * found['cpu_s']:7.2f} "
        f"{1e3 * found['p50_s']:7.1f} {1e3 * found['p99_s']:7.1f} {1e3 * found['loaded_p50_s']:10.1f} "
        f"{1e3 * found['loaded_p99_s']:7.1f} {rivalry} {found['resident_bytes'] / 1e6:5.0f} "
        f"{found['refused']:7.0f}"
    )
