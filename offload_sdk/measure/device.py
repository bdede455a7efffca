"""One reading of the whole device. Puts the readers together and keeps their faults from the caller."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from offload_sdk._types import Snapshot
from offload_sdk.measure.battery import Battery, BatteryReader
from offload_sdk.measure.load import CpuTimes, LoadReader, system_cpu_times
from offload_sdk.measure.signal import SignalReader
from offload_sdk.measure.thermal import ThermalReader, run_vcgencmd
from offload_sdk.typing import Clock

__all__ = ["Device"]

_T = TypeVar("_T")
_logger = logging.getLogger("offload_sdk")


class Device:
    """The device this runs on, as a `typing.DeviceProbe`.

    `root` is where `sys` and `proc` are looked for. `read` takes a millisecond or two, never raises, and is
    called from one thread at a time. The first reading has no CPU load, which is a difference of two.
    """

    def __init__(
        self,
        *,
        clock: Clock = time.monotonic,
        root: Path = Path("/"),
        cpu_times: Callable[[], CpuTimes] = system_cpu_times,
        cores: int | None = None,
        throttle_tool: Callable[[], str | None] | None = run_vcgencmd,
        battery_fallback: Callable[[], Battery] | None = None,
    ) -> None:
        self._clock = clock
        self._battery = BatteryReader(root, battery_fallback)
        self._load = LoadReader(cpu_times, cores)
        self._thermal = ThermalReader(clock, root, throttle_tool)
        self._signal = SignalReader(root)
        self._failed: set[str] = set()

    def read(self) -> Snapshot:
        battery = self._try("battery", self._battery.read) or Battery()
        return Snapshot(
            taken_s=self._clock(),
            battery_frac=battery.frac,
            on_mains=battery.on_mains,
            power_w=battery.power_w,
            cpu_load_frac=self._try("load", self._load.read),
            temperature_c=self._try("temperature", self._thermal.temperature_c),
            throttled=self._try("throttling", self._thermal.throttled),
            signal_dbm=self._try("signal", self._signal.read),
        )

    def _try(self, name: str, read: Callable[[], _T]) -> _T | None:
        try:
            return read()
        # A sensor that fails in a way nobody thought of must not stop the classification of images.
        except Exception:
            if name not in self._failed:
                self._failed.add(name)
                _logger.warning("the %s cannot be read; it counts as unknown", name, exc_info=True)
            return None
