"""Processor temperature, and whether the clock is held down by heat or undervoltage now.

Three sources of throttling, the first that answers wins:
the Raspberry Pi firmware's word in sysfs; the same word from `vcgencmd` (older kernels, a short process, so
rarely); the state of the kernel's cooling devices that work by lowering the processor's frequency.
A lowered frequency by itself says nothing: governors do that all day.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from offload_sdk.measure import sysfs
from offload_sdk.typing import Clock

__all__ = ["ThermalReader", "parse_throttled", "run_vcgencmd"]

_FIRMWARE = "sys/devices/platform/soc/soc:firmware/get_throttled"
_RELEVANT = ("cpu", "soc", "x86_pkg", "tcpu", "bcm", "core", "package")
_UNRELATED = ("iwlwifi", "batt", "charger", "pch", "nvme", "wifi", "modem")
_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal")
_COOLING = ("processor", "cpufreq")
_SANE_C = (-40.0, 150.0)

# Bits of the firmware's word: undervoltage, frequency capped, throttled, soft temperature limit, all "now".
# (https://www.raspberrypi.com/documentation/computers/os.html#get_throttled)
_NOW_BITS = 0xF
_TOOL_EVERY_S = 10.0
_TOOL_TIMEOUT_S = 1.0
_TOOL_FAILURES = 3


def parse_throttled(word: str) -> bool | None:
    """Return whether one of bits 0 to 3 is set in `throttled=0x50005`, `0x50005` or `50005` (hexadecimal)."""
    try:
        return bool(int(word.strip().rpartition("=")[2], 16) & _NOW_BITS)
    except ValueError:
        return None


def run_vcgencmd() -> str | None:
    """Ask the firmware through its tool; None if there is none, it fails, or it takes longer than a second."""
    tool = shutil.which("vcgencmd")
    if tool is None:
        return None
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command without a shell
            [tool, "get_throttled"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_TOOL_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("ascii", "replace") if done.returncode == 0 else None


class ThermalReader:
    """Reads heat and throttling below `root`. `tool` stands for `vcgencmd`; it may take up to a second.

    The first read never calls the tool, as it happens on the caller's thread. After three failures it is not
    called again.
    """

    def __init__(
        self, clock: Clock, root: Path = Path("/"), tool: Callable[[], str | None] | None = run_vcgencmd
    ) -> None:
        self._clock = clock
        self._root = root
        self._tool = tool
        self._tool_due_s: float | None = None
        self._tool_failures = 0
        self._tool_answer: bool | None = None
        self._zones: list[Path] = []
        self._cooling: list[Path] | None = None

    def temperature_c(self) -> float | None:
        """Return the hottest of the processor's sensors."""
        for _ in range(2):
            known = [c for c in (sysfs.number(path, 1e-3) for path in self._zones) if c is not None]
            sane = [c for c in known if _SANE_C[0] < c < _SANE_C[1]]
            if sane:
                return max(sane)
            self._zones = self._find_zones()
        return None

    def throttled(self) -> bool | None:
        word = sysfs.text(self._root / _FIRMWARE)
        if word is not None:
            answer = parse_throttled(word)
            if answer is not None:
                return answer
        answer = self._ask_tool()
        return self._ask_cooling() if answer is None else answer

    def _find_zones(self) -> list[Path]:
        relevant, others = [], []
        for zone in sysfs.children(self._root / "sys/class/thermal", "thermal_zone*"):
            kind = (sysfs.text(zone / "type") or "").lower()
            if any(word in kind for word in _RELEVANT):
                relevant.append(zone / "temp")
            elif not any(word in kind for word in _UNRELATED):
                others.append(zone / "temp")
        for sensor in sysfs.children(self._root / "sys/class/hwmon", "hwmon*"):
            if sysfs.text(sensor / "name") in _SENSORS:
                relevant += sysfs.children(sensor, "temp*_input")
        return relevant or others

    def _ask_tool(self) -> bool | None:
        if self._tool is None:
            return None
        now_s = self._clock()
        if self._tool_due_s is None:
            self._tool_due_s = now_s
            return None
        if now_s < self._tool_due_s:
            return self._tool_answer
        self._tool_due_s = now_s + _TOOL_EVERY_S
        word = self._tool()
        self._tool_answer = None if word is None else parse_throttled(word)
        self._tool_failures = 0 if self._tool_answer is not None else self._tool_failures + 1
        if self._tool_failures >= _TOOL_FAILURES:
            self._tool = None
        return self._tool_answer

    def _ask_cooling(self) -> bool | None:
        if self._cooling is None:
            devices = sysfs.children(self._root / "sys/class/thermal", "cooling_device*")
            self._cooling = [
                device / "cur_state"
                for device in devices
                if any(word in (sysfs.text(device / "type") or "").lower() for word in _COOLING)
            ]
        states = [state for state in (sysfs.number(path) for path in self._cooling) if state is not None]
        return any(state > 0.0 for state in states) if states else None
