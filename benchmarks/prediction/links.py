"""Links that do not change but for jitter, and the law of a time on them. The recorded ones: `policies.links`."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from benchmarks.policies.scene import HEADER_BYTES
from benchmarks.prediction.forecast import Told
from offload_sdk._types import Latency
from offload_sdk.testing import LinkSample, LinkTrace

__all__ = ["STATIONARY", "StationaryLink"]

_STEP_S = 0.1
_LENGTH_S = 300.0
_BYTES_PER_S_PER_MBPS = 1e6 / 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StationaryLink:
    """Round trip and rate are log-normal about these, anew every 0.1 s; `jitter` is the sd of the logarithms."""

    rtt_ms: float
    uplink_mbps: float
    jitter: float

    @property
    def name(self) -> str:
        return f"stationary_{self.rtt_ms:g}ms-{self.uplink_mbps:g}Mbps-{self.jitter:.0%}"

    def trace(self, seed: int) -> LinkTrace:
        rng = random.Random(f"{seed}/{self.name}")
        return LinkTrace(
            (
                LinkSample(
                    t_s=step * _STEP_S,
                    uplink_mbps=self.uplink_mbps * math.exp(rng.gauss(0.0, self.jitter)),
                    rtt_ms=self.rtt_ms * math.exp(rng.gauss(0.0, self.jitter)),
                )
                for step in range(round(_LENGTH_S / _STEP_S) + 1)
            ),
        )

    def law(self, size_bytes: int, server_s: float, server_sd_s: float) -> Told:
        """What one who knows the link would foretell; a long upload averages the jitter of its steps."""
        send_s = (size_bytes + HEADER_BYTES) / (self.uplink_mbps * _BYTES_PER_S_PER_MBPS)
        rtt_s = self.rtt_ms / 1e3
        variance = (self.jitter * rtt_s) ** 2 + server_sd_s**2
        variance += (self.jitter * send_s) ** 2 * min(_STEP_S / send_s, 1.0)
        return Told(Latency(mean_s=rtt_s + send_s + server_s, sd_s=variance**0.5))


STATIONARY = tuple(
    StationaryLink(rtt_ms=rtt_ms, uplink_mbps=mbps, jitter=jitter)
    for rtt_ms, mbps in ((5.0, 50.0), (30.0, 20.0), (60.0, 5.0))
    for jitter in (0.02, 0.05)
)
