"""The link that every client has one of its own of: constant, or a recorded trace. Opens it; measures nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from offload_sdk.testing import LinkEmulator, LinkTrace

__all__ = ["Link"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """`rate_mbps` and `rtt_ms` hold all the time, unless there is a trace (a CSV file)."""

    rate_mbps: float
    rtt_ms: float
    trace: Path | None = None

    def open_to(self, port: int) -> LinkEmulator:
        """A link to the server on this port of the loopback, not yet started."""
        trace = LinkTrace.constant(self.rate_mbps, self.rtt_ms) if self.trace is None else self.trace
        return LinkEmulator(("127.0.0.1", port), trace)

    def transfer_s(self, size_bytes: float) -> float:
        """How long so many bytes keep a constant link busy."""
        return 8e-6 * size_bytes / self.rate_mbps

    @property
    def rtt_s(self) -> float:
        return 1e-3 * self.rtt_ms

    def __str__(self) -> str:
        if self.trace is not None:
            return f"the recorded link {self.trace.stem}"
        return f"{self.rate_mbps:g} Mbit/s, round trip {self.rtt_ms:g} ms"
