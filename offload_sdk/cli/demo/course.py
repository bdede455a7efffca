"""What happens to the link in the course of the demonstration. Pure: phases over time, no link and no clock."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Phase", "course"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One stretch of time, from `start_s` after the first image on; `dead` means that all bytes vanish."""

    name: str
    start_s: float
    uplink_mbps: float
    rtt_ms: float
    dead: bool = False

    @property
    def title(self) -> str:
        if self.dead:
            return f"{self.name}: nothing gets through, nobody says so"
        return f"{self.name}: {self.uplink_mbps:g} Mbit/s up, {self.rtt_ms:g} ms round trip"


# Share of the time, name, rate, round trip, dead. It is good again before it dies, so that it dies in use.
_PHASES = (
    (0.18, "good Wi-Fi", 40.0, 5.0, False),
    (0.18, "weak 4G", 1.0, 200.0, False),
    (0.24, "good 5G", 60.0, 10.0, False),
    (0.14, "dead link", 60.0, 10.0, True),
    (0.26, "good Wi-Fi", 40.0, 5.0, False),
)


def course(seconds: float) -> tuple[Phase, ...]:
    """Return the phases of a demonstration of this length, the first from 0 s on."""
    phases: list[Phase] = []
    start_s = 0.0
    for share, name, uplink_mbps, rtt_ms, dead in _PHASES:
        phases.append(Phase(name=name, start_s=start_s, uplink_mbps=uplink_mbps, rtt_ms=rtt_ms, dead=dead))
        start_s += share * seconds
    return tuple(phases)
