"""A `Replay` as text: lines for a pipe, tables for a terminal. No arithmetic beyond units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from offload_sdk.replay.result import METHODS, Costs, Figure, Method, Replay
from offload_sdk.report.plain import aligned, size, time

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["answer", "facts", "notes", "plain", "rich_tables", "tables"]

_HOW_TO_READ = (
    "* is the method to believe; in brackets the 95 % interval of the mean, from blocks of {blocks:,} images.",
    "The answer is for the policy given the predictions, and the barred endpoints, of the log. Means are per "
    "image, $ per 1,000; both: a hedge started two options.",
)
_METHODS: dict[Method, str] = {
    "shadowed": "shadowed images",
    "inverse_propensity": "inverse propensity",
    "direct": "direct method",
    "doubly_robust": "doubly robust",
}
_UNKNOWN = "-"

Lines = list[tuple[str, ...]]


def facts(found: Replay) -> str:
    """Return one line on the log, and on how much of the policy it shows."""
    target = found.target
    policies = ", ".join(f"{name} ({count:,})" for name, count in found.policies.items())
    return (
        f"{found.images:,} images decided by {policies}; {found.shadow_frac:.0%} shadowed. "
        f"What was done shows the cost of {target.policy} for {target.shown_frac:.0%}; "
        f"{target.unsupported_frac:.0%} are without support; effective images {target.effective:,.0f}."
    )


def answer(found: Replay) -> str:
    """Return the answer in a sentence, with its reason."""
    target, change = found.target, found.target.change_frac
    return (
        f"{target.policy} would have taken {time(target.costs.latency_mean_s.value)} per image instead of "
        f"{time(found.own.latency_mean_s.value)}: {change.value:+.1%} [{change.low:+.1%}, {change.high:+.1%}]. "
        f"By the method {_METHODS[target.recommended]!r}: {target.reason}."
    )


def notes(found: Replay) -> list[str]:
    """Return how the tables are to be read, and what may bend them."""
    reading = [line.format(blocks=found.block_images) for line in _HOW_TO_READ]
    return [*reading, *(f"Note: {note}." for note in found.notes)]


def tables(found: Replay) -> tuple[Lines, Lines]:
    """Return the times and the resources, a header first: what was done, the policy, what it compares with."""
    rows = list(_rows(found))
    times: Lines = [("time", "mean", "", "p95", "late", "failed")]
    resources: Lines = [("resources", "energy", "$", "sent", *found.own.options, "both")]
    for title, costs in rows:
        mean = costs.latency_mean_s
        times.append(
            (
                title,
                time(mean.value),
                f"[{time(mean.low)}, {time(mean.high)}]",
                time(costs.latency_p95_s.value),
                _share(costs.late_frac),
                _share(costs.unanswered_frac),
            )
        )
        resources.append(
            (
                title,
                _UNKNOWN if costs.energy_j is None else f"{costs.energy_j.value:.3g} J",
                f"{1e3 * costs.cost_usd.value:.3g}",
                size(costs.sent_bytes.value),
                *map(_share, costs.options.values()),
                _share(costs.duplicate_frac),
            )
        )
    return times, resources


def plain(found: Replay) -> str:
    """Return the replay as aligned text without any control characters."""
    return "\n\n".join([facts(found), *map(aligned, tables(found)), answer(found), "\n".join(notes(found))])


def rich_tables(found: Replay) -> Iterator[Table]:
    """Yield the tables for a terminal."""
    from rich.markup import escape
    from rich.table import Table

    for header, *lines in tables(found):
        table = Table()
        for number, name in enumerate(header):
            table.add_column(escape(name), justify="right" if number else "left", no_wrap=True)
        for line in lines:
            table.add_row(*map(escape, line), style="bold" if line[0].endswith("*") else None)
        yield table


def _rows(found: Replay) -> Iterator[tuple[str, Costs]]:
    yield "as it was", found.own
    target = found.target
    for method in METHODS:
        if method in target.estimates:
            mark = " *" if method == target.recommended else ""
            yield f"{_METHODS[method]}{mark}", target.estimates[method]
    for reference in found.references:
        if reference.policy != target.policy:
            yield f"always {reference.policy}", reference.costs
    if found.hindsight is not None:
        yield "best in hindsight", found.hindsight


def _share(figure: Figure | None) -> str:
    return _UNKNOWN if figure is None else f"{100.0 * figure.value:.1f} %"
