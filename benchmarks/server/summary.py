"""From rounds to one line a server, and to the promises that are kept or broken. Arithmetic only."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TypeVar

from benchmarks.results import Row
from benchmarks.server.turn import LOAD_FRAC, Bare, Turn

__all__ = ["Entrant", "Line", "Spread", "lines", "promises"]

_CPU_BOUND = 1.25
_TAIL_BOUND = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A server in the comparison, and its turn in each round.

    `rival_of` is the entrant of ours that it is compared with, and `bound` how many times its requests a second
    that one must reach; `bare` the same work without a server, for ours only. `agrees`: it named the same best
    class for every picture as the bare work; None if its preprocessing is not ours.
    """

    name: str
    model: str
    versions: str
    turns: tuple[Turn, ...]
    agrees: bool | None = None
    bare: tuple[Bare, ...] = ()
    rival_of: Entrant | None = None
    bound: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The median of a figure over the rounds, and its least and greatest."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(median=statistics.median(values), low=min(values), high=max(values))

    def __str__(self) -> str:
        return f"rounds: {self.low:.2f} to {self.high:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One server: medians over the rounds of each figure of a turn, under its name.

    `per_s_ratio` is ours over its requests a second and `cpu_ratio` its CPU time over ours, both of one round at a
    time and both above 1 where ours is better; `bare_*` are ours over the bare work. None: not for this one.
    """

    name: str
    model: str
    versions: str
    agrees: bool | None
    medians: Mapping[str, float]
    tail: Spread
    per_s_ratio: Spread | None
    cpu_ratio: Spread | None
    bare_cpu_ratio: Spread | None
    bare_alone_cpu_ratio: Spread | None
    bare_per_s: float | None


def lines(entrants: Sequence[Entrant]) -> list[Line]:
    return [_line(entrant) for entrant in entrants]


def promises(entrants: Sequence[Entrant]) -> list[Row]:
    """What the first entrant of ours promises against the bare work, and each against its rivals."""
    rows: list[Row] = []
    for entrant, line in zip(entrants, lines(entrants), strict=True):
        if line.bare_cpu_ratio is not None and line.bare_alone_cpu_ratio is not None:
            name = f"{entrant.name}, {entrant.model}"
            rows += [
                _promise(f"{name}: CPU / bare, saturated", line.bare_cpu_ratio, _CPU_BOUND),
                _promise(f"{name}: CPU / bare, one at a time", line.bare_alone_cpu_ratio, _CPU_BOUND),
                _promise(
                    f"{name}: p99 at {LOAD_FRAC:.0%} / unloaded p50",
                    line.tail,
                    _TAIL_BOUND,
                    note=f"; {line.medians['perfect_tail']:.1f} for a server that always takes the mean time",
                ),
            ]
        if line.per_s_ratio is not None and entrant.bound is not None:
            assert line.cpu_ratio is not None
            rivalry = {
                f"ours / {entrant.name}: requests a second": line.per_s_ratio,
                f"{entrant.name} / ours: CPU a request": line.cpu_ratio,
            }
            rows += [_promise(name, spread, entrant.bound, at_least=True) for name, spread in rivalry.items()]
    return rows


def _promise(name: str, spread: Spread, bound: float, *, at_least: bool = False, note: str = "") -> Row:
    return Row(name=name, value=spread.median, unit="×", bound=bound, at_least=at_least, note=f"{spread}{note}")


def _line(entrant: Entrant) -> Line:
    turns = entrant.turns
    rivals = entrant.rival_of.turns if entrant.rival_of else ()

    bare = entrant.bare
    return Line(
        name=entrant.name,
        model=entrant.model,
        versions=entrant.versions,
        agrees=entrant.agrees,
        medians={
            name: statistics.median(getattr(turn, name) for turn in turns)
            for name in (field.name for field in fields(Turn))
        },
        tail=Spread.of([turn.tail for turn in turns]),
        per_s_ratio=_ratio(turns, rivals, lambda turn, ours: ours.per_s / turn.per_s),
        cpu_ratio=_ratio(turns, rivals, lambda turn, ours: turn.cpu_s / ours.cpu_s),
        bare_cpu_ratio=_ratio(turns, bare, lambda turn, alone: turn.cpu_s / alone.cpu_s),
        bare_alone_cpu_ratio=_ratio(turns, bare, lambda turn, alone: turn.alone_cpu_s / alone.cpu_s),
        bare_per_s=statistics.median(alone.per_s for alone in bare) if bare else None,
    )


_Other = TypeVar("_Other")


def _ratio(
    turns: Sequence[Turn], others: Sequence[_Other], pick: Callable[[Turn, _Other], float]
) -> Spread | None:
    """Of each round's pair; None if there is nothing to compare with."""
    return Spread.of([pick(*pair) for pair in zip(turns, others, strict=True)]) if others else None
