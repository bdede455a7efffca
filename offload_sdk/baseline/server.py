"""A server as a target: asked whether it is well, given images as the SDK sends them and as whole files.

Whole files go through the SDK's remote path too, on a pooled connection of their own: what differs is what is
sent.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from offload_sdk._assembly import assemble
from offload_sdk._config import OffloadConfig
from offload_sdk._types import ImageInfo, Outcome, Payload, Request
from offload_sdk._view import WHOLE
from offload_sdk.baseline.images import ImageFile
from offload_sdk.baseline.measurement import PayloadKind
from offload_sdk.baseline.offloading import SdkPath, only
from offload_sdk.baseline.reading import Reading
from offload_sdk.baseline.targets import TargetSpec
from offload_sdk.errors import ConfigurationError, InvalidImageError
from offload_sdk.execute.remote import RemoteExecutor
from offload_sdk.learn import learn_probe
from offload_sdk.typing import Clock, DeviceProbe

__all__ = ["PINGS", "Server"]

PINGS = 5
_PATIENCE_S = 60.0
_BETWEEN_S = 1.0


class Server:
    """A remote target, given images in the forms of `payloads`. Nothing is sent before `check`."""

    def __init__(
        self,
        spec: TargetSpec,
        payloads: tuple[PayloadKind, ...],
        config: OffloadConfig,
        *,
        probe: DeviceProbe,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        assert spec.endpoint is not None
        if config.redact is not None and "original" in payloads:
            raise ConfigurationError("whole files would go round the hook `redact`; take --payload sdk")
        self.spec = spec
        self.model = None
        self._clock = clock
        self._sleep = sleep
        self._timeout_s = config.remote_timeout_s
        alone = only(config, spec.endpoint)
        self._sdk = SdkPath(alone, probe=probe, clock=clock) if "sdk" in payloads else None
        self._parts = assemble(alone, probe=probe, clock=clock)
        self._side = self._parts.by_name[spec.name]
        assert isinstance(self._side.executor, RemoteExecutor)
        self._remote = self._side.executor

    def check(self) -> str | None:
        """Ask for its health some times, which also tells the round trip, and have it classify a tiny picture.

        Returns what is wrong with it; None if it answers.
        """
        for probe in (*[self._remote.ping] * PINGS, self._classify_tiny):
            outcome = probe(self._timeout_s)
            self._learn(outcome)
            if outcome.error is not None:
                return outcome.error
        return None

    def recover(self) -> bool:
        """Wait until it classifies a picture again, for a minute at most; return whether it does."""
        end_s = self._clock() + _PATIENCE_S
        while self._classify_tiny(min(self._timeout_s, _PATIENCE_S)).error is not None:
            if self._clock() >= end_s:
                return False
            self._sleep(_BETWEEN_S)
        return True

    def run(self, image: ImageFile, payload: PayloadKind) -> Reading:
        """Send the image and wait for its classes. Whatever fails is in the reading."""
        if payload == "original":
            return self._send_whole(image)
        assert self._sdk is not None
        reading = self._sdk.run(image)
        if reading.outcome is not None:
            self._learn(reading.outcome)
        return reading

    def link(self) -> Mapping[str, Any]:
        """Round trip and rate as the SDK's estimator has them by now."""
        (status,) = self._parts.status()["endpoints"]
        return {
            "rtt_s": status["rtt_s"],
            "uplink_bytes_per_s": status["uplink_bytes_per_s"],
            "samples": status["samples"],
            "how": f"the SDK's estimate from {PINGS} pings before the measuring and every answered image since",
        }

    def close(self) -> None:
        if self._sdk is not None:
            self._sdk.close()
        self._parts.close()

    def _classify_tiny(self, budget_s: float) -> Outcome:
        return self._remote.upload(0, budget_s)

    def _send_whole(self, image: ImageFile) -> Reading:
        started_s = self._clock()
        whole = _WholeFile(image)
        request = Request(request_id=uuid.uuid4().hex, top_k=3, snapshot=self._parts.snapshot())
        outcome = self._remote.run(whole, request, "answer", self._timeout_s)
        latency_s = self._clock() - started_s
        outcome = self._parts.settle(self._side, outcome)
        self._learn(outcome)
        return Reading.of(latency_s, outcome)

    def _learn(self, outcome: Outcome) -> None:
        learn_probe(self._parts.estimators, outcome, self._parts.snapshot())


class _WholeFile:
    """A `typing.Picture` that is sent as it lies on the disk and never decoded."""

    view = WHOLE

    def __init__(self, image: ImageFile) -> None:
        try:
            self._content = image.path.read_bytes()
        except OSError as error:
            raise InvalidImageError(f"{image.path} cannot be read: {error.strerror}") from None
        self._media_type = image.media_type
        self.info = ImageInfo(format="", width=0, height=0, encoded_bytes=image.size_bytes)

    def tensor(self, timings: dict[str, float]) -> Any:
        raise InvalidImageError("a whole file is sent as it is, and this server takes pixels only")

    upload_tensor = tensor

    def payload(self, timings: dict[str, float], payload: Payload | None = None) -> tuple[bytes, str]:
        return self._content, self._media_type

    def keep(self, payload: Payload | None) -> None:
        pass
