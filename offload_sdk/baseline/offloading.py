"""One image through the SDK's own loop with a single path open: what a user gets of it, without anything to fall
back to.

Nothing is hedged, no other path is tried, no link is probed in the background, no deadline is set, and nothing is
written into the user's log.
"""

from __future__ import annotations

import threading
from typing import Any

from offload_sdk._assembly import NoLog
from offload_sdk._config import EndpointConfig, OffloadConfig
from offload_sdk._offloader import Offloader
from offload_sdk._types import Record, Snapshot
from offload_sdk.baseline.images import ImageFile
from offload_sdk.baseline.reading import Reading
from offload_sdk.errors import InvalidImageError, ModelError, RemoteError
from offload_sdk.typing import Clock, DeviceProbe

__all__ = ["SdkPath", "SharedProbe", "only"]


def only(config: OffloadConfig, endpoint: EndpointConfig | None) -> OffloadConfig:
    """Return the settings with this endpoint alone, or without one the device alone."""
    return config.model_copy(
        update={
            "server_url": None,
            "token": None,
            "plan": None,
            "endpoints": () if endpoint is None else (endpoint,),
            "local": endpoint is None,
            "policy": "local" if endpoint is None else "remote",
            "deadline_s": None,
            "log": config.log.model_copy(update={"enabled": False, "shadow_rate": 0.0}),
            "probe": config.probe.model_copy(update={"enabled": False}),
        }
    )


class SharedProbe:
    """One reading of the device for several Offloaders: each has a thread that asks every other second."""

    _FRESH_S = 1.9

    def __init__(self, device: DeviceProbe, clock: Clock) -> None:
        self._device, self._clock = device, clock
        self._lock = threading.Lock()
        self._last: Snapshot | None = None

    def read(self) -> Snapshot:
        with self._lock:
            if self._last is None or self._clock() - self._last.taken_s > self._FRESH_S:
                self._last = self._device.read()
            return self._last


class SdkPath:
    """An `Offloader` that has one option. Raises what an `Offloader` raises when it is made."""

    def __init__(self, config: OffloadConfig, *, probe: DeviceProbe, clock: Clock) -> None:
        self._log = _LastRecord()
        self._clock = clock
        self._offloader = Offloader(config, probe=probe, log=self._log)

    def run(self, image: ImageFile) -> Reading:
        """Classify. Whatever fails is in the reading."""
        self._log.record = None
        started_s = self._clock()
        try:
            self._offloader.classify(image.path)
        except InvalidImageError as error:
            return Reading(latency_s=self._clock() - started_s, failure="input", error=str(error))
        except (RemoteError, ModelError):
            pass  # it is in the record
        record = self._log.record
        assert record is not None
        return Reading.of(record.latency_s, record.outcomes[-1])

    def status(self) -> dict[str, Any]:
        return self._offloader.status()

    def close(self) -> None:
        self._offloader.close()


class _LastRecord(NoLog):
    """Keeps the last row only, in memory."""

    record: Record | None = None

    def append(self, record: Record) -> None:
        self.record = record
