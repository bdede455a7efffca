"""Charge, mains and metered power from `/sys/class/power_supply`; psutil where that folder does not exist.

The kernel's units are µV, µA, µW, µAh and µWh; any attribute may be absent
(https://docs.kernel.org/power/power_supply_class.html). Batteries behind a HAT that has no kernel driver are not
seen: that is "unknown", not "full". No other device quantity is read here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from offload_sdk.measure import sysfs

__all__ = ["Battery", "BatteryReader", "system_battery"]

_MICRO = 1e-6
_SUPPLIES = "sys/class/power_supply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """`frac` is the charge 0..1 over all batteries, `power_w` what they give off while discharging.

    `on_mains` is None when nothing tells. A board without any supply node (a Raspberry Pi) is such a case: it
    may hang on a wall plug or on a power bank.
    """

    frac: float | None = None
    on_mains: bool | None = None
    power_w: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cell:
    """One battery. `level` and `capacity` share a unit, energy or charge; `frac` is known without them."""

    status: str
    level: float | None
    capacity: float | None
    frac: float | None
    power_w: float | None


class BatteryReader:
    """Reads all batteries and mains supplies below `root`.

    `fallback` serves systems without sysfs; it must not raise.
    """

    def __init__(self, root: Path = Path("/"), fallback: Callable[[], Battery] | None = None) -> None:
        self._folder = root / _SUPPLIES
        self._fallback = system_battery if fallback is None else fallback

    def read(self) -> Battery:
        try:
            present = self._folder.is_dir()
        except OSError:
            present = True
        if not present:
            return self._fallback()
        cells, plugs = [], []
        for node in sysfs.children(self._folder):
            kind = (sysfs.text(node / "type") or "").lower()
            if kind == "battery":
                # A wireless mouse has a battery too; the kernel marks it as one of a device, not of the system.
                if (sysfs.text(node / "scope") or "").lower() != "device" and _present(node):
                    cells.append(_cell(node))
            elif kind == "mains" or kind.startswith("usb"):
                online = sysfs.number(node / "online")
                if online is not None:
                    plugs.append((kind, online > 0))
        return Battery(frac=_charge(cells), on_mains=_on_mains(cells, plugs), power_w=_draw(cells))


def system_battery() -> Battery:
    """Ask psutil, which covers macOS, Windows and FreeBSD. It knows one battery and no power."""
    import psutil

    try:
        state = psutil.sensors_battery()
    except (
        AttributeError,
        OSError,
        RuntimeError,
        NotImplementedError,
    ):  # platform not covered, or node half there
        return Battery()
    if state is None:
        return Battery()
    frac = state.percent / 100.0
    return Battery(
        frac=frac if 0.0 <= frac <= 1.0 else None,
        on_mains=None if state.power_plugged is None else bool(state.power_plugged),
    )


def _present(node: Path) -> bool:
    return sysfs.number(node / "present") != 0.0


def _cell(node: Path) -> _Cell:
    level, capacity = _pair(node, "energy")
    voltage_v = _first(node, ("voltage_now", "voltage_min_design"), _MICRO)
    if level is None or capacity is None:
        # In ampere-hours; made watt-hours when the voltage is known so that unlike batteries add up.
        level, capacity = _pair(node, "charge")
        if level is not None and capacity is not None and voltage_v is not None:
            level, capacity = level * voltage_v, capacity * voltage_v
    percent = sysfs.number(node / "capacity")
    frac = percent / 100.0 if percent is not None and 0.0 <= percent <= 100.0 else None
    if level is not None and capacity is not None:
        frac = min(1.0, level / capacity)
    power_w = sysfs.number(node / "power_now", _MICRO)
    current_a = sysfs.number(node / "current_now", _MICRO)
    if power_w is None and current_a is not None and voltage_v is not None:
        power_w = current_a * voltage_v
    return _Cell(
        status=(sysfs.text(node / "status") or "").lower(),
        level=level,
        capacity=capacity,
        frac=frac,
        # Drivers disagree on the sign of a discharging current.
        power_w=None if power_w is None else abs(power_w),
    )


def _pair(node: Path, quantity: str) -> tuple[float | None, float | None]:
    level = sysfs.number(node / f"{quantity}_now", _MICRO)
    capacity = _first(node, (f"{quantity}_full", f"{quantity}_full_design"), _MICRO)
    if level is None or capacity is None or level < 0.0 or capacity <= 0.0:
        return None, None
    return level, capacity


def _first(node: Path, names: Sequence[str], scale: float) -> float | None:
    for name in names:
        value = sysfs.number(node / name, scale)
        if value is not None and value > 0.0:
            return value
    return None


def _charge(cells: Sequence[_Cell]) -> float | None:
    if not cells:
        return None
    levels = [
        (cell.level, cell.capacity) for cell in cells if cell.level is not None and cell.capacity is not None
    ]
    if len(levels) == len(cells):
        return min(1.0, sum(level for level, _ in levels) / sum(capacity for _, capacity in levels))
    fracs = [cell.frac for cell in cells]
    known = [frac for frac in fracs if frac is not None]
    return sum(known) / len(known) if len(known) == len(cells) else None


def _on_mains(cells: Sequence[_Cell], plugs: Sequence[tuple[str, bool]]) -> bool | None:
    statuses = {cell.status for cell in cells}
    if "discharging" in statuses:
        # A charger that gives less than the board takes is "online", and the battery still runs down.
        return False
    if any(online for _, online in plugs):
        return True
    if statuses & {"charging", "full", "not charging"}:
        return True
    if plugs and (cells or any(kind == "mains" for kind, _ in plugs)):
        return False
    return None


def _draw(cells: Sequence[_Cell]) -> float | None:
    if not any(cell.status == "discharging" for cell in cells):
        return None
    powers = [cell.power_w for cell in cells if cell.status == "discharging"]
    known = [power for power in powers if power is not None and power > 0.0]
    return sum(known) if len(known) == len(powers) else None
