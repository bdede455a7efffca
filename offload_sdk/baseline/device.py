"""This device as a target: the SDK with its local path alone."""

from __future__ import annotations

import time
from typing import Any

from offload_sdk._config import OffloadConfig
from offload_sdk.baseline.images import ImageFile
from offload_sdk.baseline.measurement import PayloadKind
from offload_sdk.baseline.offloading import SdkPath, only
from offload_sdk.baseline.reading import Reading
from offload_sdk.baseline.targets import TargetSpec
from offload_sdk.typing import Clock, DeviceProbe

__all__ = ["Device"]


class Device:
    """The local path. Making one loads the model and raises `ModelError` if there is none."""

    def __init__(
        self, spec: TargetSpec, config: OffloadConfig, *, probe: DeviceProbe, clock: Clock = time.monotonic
    ) -> None:
        self.spec = spec
        self._sdk = SdkPath(only(config, None), probe=probe, clock=clock)
        self.local: dict[str, Any] = self._sdk.status()["local"]  # model, runtime, threads
        self.model: str = self.local["model"]

    def check(self) -> str | None:
        return None  # it answered when its model was loaded

    def recover(self) -> bool:
        return True

    def run(self, image: ImageFile, payload: PayloadKind) -> Reading:
        return self._sdk.run(image)

    def close(self) -> None:
        self._sdk.close()
