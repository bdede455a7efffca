"""The tables that people read. No arithmetic but the change of units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.policies.summary import FamilyRow, total_of

__all__ = ["render"]

_HEAD = (
    f"{'policy':<20}{'mean ms':>9}{'p50':>8}{'p95':>8}{'p99':>8}  {'mean/oracle':>16}{'p99/o.':>8}{'late':>7}"
    f"{'lost':>6}{'both':>7}{'probes':>8}{'mJ':>8}{'J/o.':>6}{'KB':>8}  worst trace"
)


def render(families: Mapping[str, Sequence[FamilyRow]]) -> str:
    """One full table for all traces together per board and payload, then mean ratios by family."""
    total = total_of(families)
    keys = list(dict.fromkeys((row.board_ms, row.payload_bytes) for row in total))
    parts = [_full(total, board_ms, payload_bytes) for board_ms, payload_bytes in keys]
    if len(families) > 1:
        parts += [_by_family(families, board_ms, payload_bytes) for board_ms, payload_bytes in keys]
    legend = (
        "late: past the deadline; lost: frames that a camera dropped; both: images on which both sides did work;\n"
        "probes: their share of the bytes that uploading every image takes; mJ, KB: per image, energy modelled;\n"
        "o.: the oracle of the same runs (J/o.: the energy oracle); ± is a 95 % interval over seeds."
    )
    return "\n\n".join([*parts, legend])


def _full(rows: Sequence[FamilyRow], board_ms: float, payload_bytes: int) -> str:
    lines = [f"board {board_ms:g} ms, images of {payload_bytes / 1e3:g} KB", _HEAD]
    for row in rows:
        if (row.board_ms, row.payload_bytes) != (board_ms, payload_bytes):
            continue
        interval = "" if row.mean_ratio_half is None else f" ± {_ratio(row.mean_ratio_half)}"
        ratio = f"{_ratio(row.mean_ratio)}{interval}"
        worst = f"  {row.worst_mean_ratio:.2f} {row.worst_trace}" if row.traces > 1 else ""
        lines.append(
            f"{row.policy:<20}{row.mean_s * 1e3:9.1f}{row.p50_s * 1e3:8.1f}{row.p95_s * 1e3:8.1f}"
            f"{row.p99_s * 1e3:8.1f}  {ratio:>16}{row.p99_ratio:8.2f}{row.miss_frac:7.1%}"
            f"{row.dropped_frac:6.0%}{row.duplicate_frac:7.1%}{row.probe_frac:8.2%}"
            f"{row.energy_j * 1e3:8.1f}{row.energy_ratio:6.2f}{row.sent_bytes / 1e3:8.1f}{worst}"
        )
    return "\n".join(lines)


def _by_family(families: Mapping[str, Sequence[FamilyRow]], board_ms: float, payload_bytes: int) -> str:
    """Mean ratios: a policy a line, a family a column."""
    shown: dict[str, dict[str, float]] = {}
    for name, rows in families.items():
        for row in rows:
            if (row.board_ms, row.payload_bytes) == (board_ms, payload_bytes):
                shown.setdefault(row.policy, {})[name] = row.mean_ratio
    head = "".join(f"{name:>10}" for name in families)
    lines = [f"mean / oracle by family: board {board_ms:g} ms, images of {payload_bytes / 1e3:g} KB"]
    lines.append(f"{'policy':<20}{head}")
    lines += [
        f"{policy:<20}" + "".join(f"{_ratio(ratios[name]):>10}" for name in families)
        for policy, ratios in shown.items()
    ]
    return "\n".join(lines)


def _ratio(value: float) -> str:
    """Three decimals where they mean something."""
    return f"{value:.3f}" if value < 10.0 else f"{value:.1f}"
