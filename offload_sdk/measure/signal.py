"""Wi-Fi level in dBm of the interface that carries the default route; None on a wire.

From `/proc/net/wireless` and `/proc/net/route`: no process is started and no netlink is spoken.
"""

from __future__ import annotations

from pathlib import Path

from offload_sdk.measure import sysfs

__all__ = ["SignalReader", "default_interface", "parse_levels"]

_UP = 0x1
_SANE_DBM = (-120.0, 0.0)


def parse_levels(wireless: str) -> dict[str, float]:
    """Return dBm by interface. A driver that reports a bare quality (not negative) has no level to give."""
    levels = {}
    for line in wireless.splitlines()[2:]:
        name, separator, rest = line.partition(":")
        fields = rest.split()
        if not separator or len(fields) < 3:
            continue
        try:
            level = float(fields[2].rstrip("."))
        except ValueError:
            continue
        if _SANE_DBM[0] <= level < _SANE_DBM[1]:
            levels[name.strip()] = level
    return levels


def default_interface(route: str) -> str | None:
    """Return the interface of the IPv4 default route of the lowest metric."""
    best: tuple[int, str] | None = None
    for line in route.splitlines()[1:]:
        fields = line.split()
        try:
            interface, destination, flags, metric, mask = (fields[i] for i in (0, 1, 3, 6, 7))
            is_default = int(destination, 16) == 0 and int(mask, 16) == 0 and int(flags, 16) & _UP
            entry = (int(metric), interface)
        except (IndexError, ValueError):
            continue
        if is_default and (best is None or entry < best):
            best = entry
    return None if best is None else best[1]


class SignalReader:
    """Reads the level below `root`.

    Without a default route (IPv6 only, or no network) the level is that of the only wireless interface, if
    there is exactly one.
    """

    def __init__(self, root: Path = Path("/")) -> None:
        self._wireless = root / "proc/net/wireless"
        self._route = root / "proc/net/route"

    def read(self) -> float | None:
        wireless = sysfs.text(self._wireless)
        levels = parse_levels(wireless) if wireless else {}
        if not levels:
            return None
        interface = default_interface(sysfs.text(self._route) or "")
        if interface is not None:
            return levels.get(interface)
        return next(iter(levels.values())) if len(levels) == 1 else None
