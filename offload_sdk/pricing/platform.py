"""One way to run the server and what an hour of it costs. No list of them, no bills."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Platform", "PlatformKind"]

PlatformKind = Literal["fargate", "ec2"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A unit of it is one task (`fargate`) or one instance (`ec2`); it is billed by the second after `minimum_s`.

    `usd_per_h` is the price of an hour of one unit, after every discount. `committed`: it is paid whether the
    unit runs or not. `spot`: the cloud may take it back. A burstable instance may use `baseline_frac` of each vCPU
    on the average; what it uses above that costs `surplus_usd_per_vcpu_h` more. `figures` names the rows of the
    price list behind all this, and `best_case` says that one of them is an "up to".
    """

    name: str
    title: str
    kind: PlatformKind
    vcpus: float
    memory_gb: float
    usd_per_h: float
    minimum_s: float
    committed: bool = False
    spot: bool = False
    baseline_frac: float | None = None
    surplus_usd_per_vcpu_h: float = 0.0
    best_case: bool = False
    figures: tuple[str, ...] = ()
