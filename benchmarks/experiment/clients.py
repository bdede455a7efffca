"""The clients that are compared: each sends one image and waits. What it sent is counted on its link."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import requests

from benchmarks.experiment.device import DeviceSpec, run_device
from offload_sdk._config import EndpointConfig
from offload_sdk._types import Label, OptionPath, Outcome
from offload_sdk.baseline.images import ImageFile
from offload_sdk.baseline.measurement import PayloadKind
from offload_sdk.baseline.reading import Reading
from offload_sdk.baseline.targets import TargetSpec
from offload_sdk.cli.demo.slow_board import slowed
from offload_sdk.testing import LinkEmulator
from offload_sdk.wire import ANALYZE_PATH, IMAGE_FIELD

__all__ = ["Client", "Prototype", "SdkDevice", "sdk_device"]

_PATIENCE_S = 120.0


class Client:
    """What both kinds share: a name, and a link of its own."""

    def __init__(self, name: str, link: LinkEmulator) -> None:
        self.spec = TargetSpec(name=name, endpoint=EndpointConfig(url=link.url))
        self._link = link
        self._counted_bytes = 0

    def check(self) -> str | None:
        return None  # the servers answered when they were started

    def recover(self) -> bool:
        return True

    def run(self, image: ImageFile, payload: PayloadKind) -> Reading:
        raise NotImplementedError

    def _answered(self, path: OptionPath, latency_s: float, label: str, timings: Mapping[str, float]) -> Reading:
        before_bytes, self._counted_bytes = self._counted_bytes, self._link.bytes_up
        outcome = Outcome(
            option=self.spec.name,
            path=path,
            status="success",
            role="answer",
            started_s=0.0,
            latency_s=latency_s,
            timings=timings,
            sent_bytes=self._counted_bytes - before_bytes,  # probes since the last image included
            labels=(Label(name=label, probability=1.0, index=0),),
        )
        return Reading.of(latency_s, outcome)


class Prototype(Client):
    """`requests.post` with the file as it is. There is no session, so each image opens a connection of its own."""

    def run(self, image: ImageFile, payload: PayloadKind) -> Reading:
        began_s = time.monotonic()
        try:
            with image.path.open("rb") as stream:
                url = f"{self._link.url}{ANALYZE_PATH}"
                answer = requests.post(url, files={IMAGE_FIELD: stream}, timeout=_PATIENCE_S)
            answer.raise_for_status()
            label = answer.json()["predictions"][0]["label"]
        except (requests.RequestException, ValueError, LookupError) as error:
            return Reading(latency_s=time.monotonic() - began_s, failure="failed", error=str(error))
        return self._answered("remote", time.monotonic() - began_s, label, {})


class SdkDevice(Client):
    """The SDK at the other end of a pipe."""

    def __init__(self, name: str, link: LinkEmulator, pipe: Connection) -> None:
        super().__init__(name, link)
        self._pipe = pipe

    def run(self, image: ImageFile, payload: PayloadKind) -> Reading:
        self._pipe.send(image.path)
        found: dict[str, Any] = self._pipe.recv()
        if found["error"] is not None:
            return Reading(latency_s=found["latency_s"], failure="failed", error=found["error"])
        return self._answered(found["path"], found["latency_s"], found["label"], found["timings"])


@contextmanager
def sdk_device(spec: DeviceSpec, link: LinkEmulator) -> Iterator[SdkDevice]:
    """A device's process, ready for its first image; slowed down from the start if its spec says so."""
    context = get_context("spawn")
    pipe, theirs = context.Pipe()
    process = context.Process(target=run_device, args=(spec, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        pipe.recv()
        assert process.pid is not None
        with slowed(process.pid) if spec.slow else nullcontext():
            pipe.send("begin")
            pipe.recv()
            yield SdkDevice(spec.name, link, pipe)
        pipe.send(None)
        process.join(_PATIENCE_S)
    finally:
        process.kill()
        process.join()
