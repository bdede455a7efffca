"""A bill: named lines and their sum. Nothing is priced here."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Bill", "Line"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`amount` of `unit` at `usd_per_unit`. `overhead`: it is paid beside the machine that computes."""

    name: str
    amount: float
    unit: str
    usd_per_unit: float
    overhead: bool = False

    @property
    def usd(self) -> float:
        return self.amount * self.usd_per_unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    lines: tuple[Line, ...]

    @property
    def total_usd(self) -> float:
        return sum(line.usd for line in self.lines)

    @property
    def overhead_usd(self) -> float:
        return sum(line.usd for line in self.lines if line.overhead)
