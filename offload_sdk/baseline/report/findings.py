"""What the experiment says, in sentences: which way is faster, cheaper, takes less energy, by how much, and how
sure that is. Every figure and every name is computed from the data."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from offload_sdk.baseline.report.numbers import column, joules, seconds, share, usd
from offload_sdk.baseline.report.ways import Way, printable
from offload_sdk.baseline.summary import Run

__all__ = ["Finding", "findings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`title` asks, `answer` names, `text` gives the figures."""

    title: str
    answer: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Quantity:
    title: str
    verb: str
    value: Callable[[Run], float | None]
    write: Callable[[float | None], str]


_QUANTITIES = (
    _Quantity(title="Faster", verb="takes", value=lambda run: run.total_s, write=seconds),
    _Quantity(title="Cheaper", verb="costs", value=lambda run: run.cost_usd, write=usd),
    _Quantity(title="Less energy of the device", verb="takes", value=lambda run: run.energy_j, write=joules),
)


def findings(ways: Sequence[Way]) -> list[Finding]:
    """Return what can be said; nothing of a quantity that fewer than two ways have."""
    found = [_compared(quantity, ways) for quantity in _QUANTITIES]
    return [finding for finding in [*found, *_payloads(ways), _failures(ways)] if finding is not None]


def _compared(quantity: _Quantity, ways: Sequence[Way]) -> Finding | None:
    """Set the best of the ways against all others, by its mean over the runs.

    Where something failed, by answered image: a request that is refused at once would make a run short and cheap.
    """
    failed = any(way.series.failures for way in ways)
    each = "an answered image" if failed else "a run"
    known: list[tuple[float, list[float], Way]] = []
    for way in ways:
        found = (_per_answer(quantity, run) if failed else quantity.value(run) for run in way.series.runs)
        values = [value for value in found if value is not None]
        if values and len(values) == len(way.series.runs):
            known.append((statistics.fmean(values), values, way))
    if len(known) < 2:
        return None
    known.sort(key=lambda entry: entry[0])
    (best, values, way), *others = known
    second = others[0][0]
    if second <= best:
        same = [way.name, *(other.name for mean, _, other in others if mean <= best)]
        return Finding(
            title=quantity.title, answer="no difference", text=f"{_listed(same)}: the same in the mean."
        )
    # Beside the next one the last; the tables tell what is between.
    told = others if len(others) < 3 else [others[0], others[-1]]
    against = [_against(best, entry, quantity) for entry in told]
    certainty, rivals = _certainty(values, others)
    by = f", by {share(1.0 - best / second)}" if best else ""
    return Finding(
        title=quantity.title,
        answer=f"{way.name}{by}" if not rivals else _listed([way.name, *rivals], "or"),
        text=f"{way.name} {quantity.verb} {_spread(quantity, values)} {each}; {'; '.join(against)}. {certainty}",
    )


def _per_answer(quantity: _Quantity, run: Run) -> float | None:
    value, answers = quantity.value(run), (run.images or 0) - run.failures
    return value / answers if value is not None and answers else None


def _against(best: float, entry: tuple[float, list[float], Way], quantity: _Quantity) -> str:
    mean, values, way = entry
    gain = f"{share(1.0 - best / mean)} less than " if best else ""
    return f"{gain}{way.name} {'with ' if best else quantity.verb + ' '}{_spread(quantity, values)}"


def _spread(quantity: _Quantity, values: Sequence[float]) -> str:
    mean = statistics.fmean(values)
    written = quantity.write(mean)
    sd = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{written} ± {quantity.write(sd)}" if sd else written


def _certainty(values: Sequence[float], others: Sequence[tuple[float, list[float], Way]]) -> tuple[str, list[str]]:
    """Say whether the runs bear the difference out, without presuming how they are distributed, and name those
    whose runs overlap with the best one's."""
    if len(values) < 2:
        return "One run says nothing of chance.", []
    overlapping = [other.name for _, them, other in others if min(them) <= max(values)]
    if not overlapping:
        return f"Each of its {len(values)} runs was better than every run of the others.", []
    return f"Its runs and those of {_listed(overlapping)} overlap: the difference may be chance.", overlapping


def _payloads(ways: Sequence[Way]) -> list[Finding | None]:
    """Per server: the SDK's payload against the file's own bytes."""
    found: list[Finding | None] = []
    for way in ways:
        other = way.target.original
        if other is None or way.series is other or not way.series.mean_s or not other.mean_s:
            continue
        times = other.mean_s / way.series.mean_s
        more, words = (times, "shorter") if times >= 1.0 else (1.0 / times, "longer")
        sent, whole = _sent(way.series.runs), _sent(other.runs)
        bytes_ = f", with {column([whole / sent], least=1)[0]} times fewer bytes" if sent and whole else ""
        name = printable(way.target.name)
        text = (
            f"To {name}, an image takes {seconds(way.series.mean_s)} as the SDK sends it and "
            f"{seconds(other.mean_s)} as the file's own bytes: {column([more])[0]} times {words}{bytes_}."
        )
        answer = "the SDK's" if times >= 1.0 else "the original file"
        if _overlap(way.series.runs, other.runs):
            answer, text = "no clear difference", f"{text} The runs of both overlap."
        found.append(Finding(title=f"Form of upload to {name}", answer=answer, text=text))
    return found


def _overlap(runs: Sequence[Run], others: Sequence[Run]) -> bool:
    mine, theirs = ([run.mean_s for run in side if run.mean_s is not None] for side in (runs, others))
    return len(mine) > 1 and max(mine) >= min(theirs) and max(theirs) >= min(mine)


def _sent(runs: Sequence[Run]) -> int:
    return sum(run.sent_bytes or 0 for run in runs)


def _failures(ways: Sequence[Way]) -> Finding | None:
    failed = [
        f"{way.series.failures:,} of {sum(run.images or 0 for run in way.series.runs):,} by {way.name}"
        for way in ways
        if way.series.failures
    ]
    if not failed:
        return None
    return Finding(title="Failures", answer="some", text=f"Without an answer: {_listed(failed)}.")


def _listed(parts: Sequence[str], last: str = "and") -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {last} {parts[-1]}"
