"""One way to run the server and what an hour of it costs. No list of them, no bills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Platform", "PlatformKind", "Terms"]

PlatformKind = Literal["fargate", "ec2"]
Terms = Literal["on-demand", "spot", "committed"]
"""`spot`: the cloud may take it back. `committed`: for years, and paid whether it runs or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A unit of it is one task (`fargate`) or one instance (`ec2`); it is billed by the second after `minimum_s`.

    `usd_per_h` is the price of an hour of one unit, after every discount. `start_s` is paid before a unit answers.
    A burstable instance may use `baseline_frac` of each vCPU on the average; what it uses above that costs
    `surplus_usd_per_vcpu_h` more. `figures` names the rows of the price list behind all this, and `best_case` says
    that one of them is an "up to".
    """

    name: str
    title: str
    kind: PlatformKind
    vcpus: float
    memory_gb: float
    usd_per_h: float
    minimum_s: float
    start_s: float
    terms: Terms = "on-demand"
    baseline_frac: float = 1.0
    surplus_usd_per_vcpu_h: float = 0.0
    best_case: bool = False
    figures: tuple[str, ...] = ()
