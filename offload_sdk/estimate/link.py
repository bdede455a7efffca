"""The link to an endpoint as two numbers: round-trip time and seconds per byte. Nothing else."""

from __future__ import annotations

from offload_sdk.estimate.affine import AffineFilter

__all__ = ["LinkFilter"]

_DRIFT_PER_SQRT_S = 0.2  # a mobile link half-forgets its state in ten seconds; `benchmarks.policies` compares


class LinkFilter(AffineFilter):
    """A request of n bytes on an established connection takes `rtt_s + n · s_per_byte`."""

    __slots__ = ()

    def __init__(self, *, rtt_s: float, s_per_byte: float, sd: float = 0.8) -> None:
        super().__init__(rtt_s, s_per_byte, sd=sd, drift_per_sqrt_s=_DRIFT_PER_SQRT_S)

    @property
    def rtt_s(self) -> float:
        return self.fixed_s

    @property
    def s_per_byte(self) -> float:
        return self.s_per_unit
