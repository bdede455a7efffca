"""What a replay found: figures with their intervals, by method, and which of them to believe. No arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["METHODS", "Costs", "Figure", "Method", "Replay", "Verdict"]

Method = Literal["shadowed", "inverse_propensity", "direct", "doubly_robust"]
METHODS: tuple[Method, ...] = ("shadowed", "inverse_propensity", "direct", "doubly_robust")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value with the bounds of its 95 % interval."""

    value: float
    low: float
    high: float

    def to_list(self) -> list[float]:
        return [self.value, self.low, self.high]


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What images take, each by itself: means over images but for the 95th percentile. None: unknown.

    The time of an image without an answer is what it was waited for. `late_frac` is over the images that had a
    deadline. `duplicate_frac`: a hedge started both sides. `options` is the share that each option answered.
    """

    latency_mean_s: Figure
    latency_p95_s: Figure
    late_frac: Figure | None
    energy_j: Figure | None
    cost_usd: Figure
    sent_bytes: Figure
    duplicate_frac: Figure
    unanswered_frac: Figure
    options: Mapping[str, Figure]

    def to_dict(self) -> dict[str, Any]:
        known = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "options"}
        return {
            **{name: None if figure is None else figure.to_list() for name, figure in known.items()},
            "options": {option: figure.to_list() for option, figure in self.options.items()},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One policy on the images of a log.

    `shown_frac` is the share of images for which what was done shows what this policy costs, `unsupported_frac`
    the share for which no chance could have shown it. `effective` is the effective number of images behind the
    inverse-propensity estimate. `estimates` lacks the methods that the log does not support, and for a reference
    those that are not recommended. `is_evidence` is false where the recommended one is the model's word alone.
    `change_frac` is the recommended mean latency over that of the log, minus 1.
    """

    policy: str
    shown_frac: float
    unsupported_frac: float
    effective: float
    estimates: Mapping[Method, Costs]
    recommended: Method
    is_evidence: bool
    reason: str
    change_frac: Figure

    @property
    def costs(self) -> Costs:
        """The recommended estimate."""
        return self.estimates[self.recommended]

    def to_dict(self) -> dict[str, Any]:
        return {
            "policy": self.policy,
            "shown_frac": self.shown_frac,
            "unsupported_frac": self.unsupported_frac,
            "effective": self.effective,
            "estimates": {name: costs.to_dict() for name, costs in self.estimates.items()},
            "recommended": self.recommended,
            "is_evidence": self.is_evidence,
            "reason": self.reason,
            "change_frac": self.change_frac.to_list(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The answer to "what would this policy have cost me?".

    `own` is what the log's policies cost, `references` the two fixed policies, `hindsight` the faster side of
    every shadowed image (None without any). `policies` counts the images by the policy that decided them.
    Intervals come from blocks of `block_images` consecutive images.
    """

    images: int
    policies: Mapping[str, int]
    shadowed: int
    shadow_frac: float
    block_images: int
    own: Costs
    target: Verdict
    references: tuple[Verdict, ...]
    hindsight: Costs | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; a figure is a list of value, low, high."""
        return {
            "images": self.images,
            "policies": dict(self.policies),
            "shadowed": self.shadowed,
            "shadow_frac": self.shadow_frac,
            "block_images": self.block_images,
            "own": self.own.to_dict(),
            **self.target.to_dict(),
            "references": [reference.to_dict() for reference in self.references],
            "hindsight": None if self.hindsight is None else self.hindsight.to_dict(),
            "notes": list(self.notes),
        }
