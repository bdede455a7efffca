"""One figure of the price list, with where it comes from. No arithmetic on it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Figure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """`value` in `unit`, as `source` gave it for `region` when `checked` (a year, month or day in ISO form).

    `assumption`: nobody has published it, and `source` says why it was taken. `best_case`: the source says "up
    to", so that no less is paid than follows from it.
    """

    name: str
    value: float
    unit: str
    source: str
    checked: str
    region: str | None = None
    assumption: bool = False
    best_case: bool = False
