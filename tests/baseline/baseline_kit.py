"""Measurements, images and targets for the tests of the experiment. Makes objects; asserts nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offload_kit import jpeg

from offload_sdk.baseline.images import ImageFile, find_images
from offload_sdk.baseline.measurement import Measurement, PayloadKind
from offload_sdk.baseline.reading import Reading
from offload_sdk.baseline.targets import TargetSpec
from offload_sdk.model import PictureLimits

Start = Callable[..., "subprocess.Popen[str]"]
Command = Callable[..., "subprocess.CompletedProcess[str]"]


def measured(**values: Any) -> Measurement:
    return Measurement(
        **{
            "run": 1,
            "image": "a.jpg",
            "target": "cloud",
            "payload": "sdk",
            "position": 0,
            "began_wall_s": 1.7e9,
            "latency_s": 0.1,
            "image_bytes": 1000,
            **values,
        }
    )


def write_pictures(folder: Path, count: int) -> Path:
    """Different small JPEGs, `0.jpg` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"{number}.jpg").write_bytes(jpeg(number, 64))
    return folder


def images_in(folder: Path) -> dict[str, ImageFile]:
    return {image.name: image for image in find_images([folder], PictureLimits()).images}


class ScriptedTarget:
    """A target that answers, or fails, as it is told, and notes what it was asked."""

    def __init__(
        self,
        name: str,
        fails: Callable[[int], str | None] = lambda call: None,
        *,
        wrong: str | None = None,
        recovers: bool = True,
        latency_s: float = 0.25,
    ) -> None:
        self.spec = TargetSpec(name=name)
        self.asked: list[tuple[str, PayloadKind]] = []
        self.recoveries = 0
        self._fails, self._wrong, self._recovers = fails, wrong, recovers
        self._latency_s = latency_s

    def check(self) -> str | None:
        return self._wrong

    def run(self, image: ImageFile, payload: PayloadKind) -> Reading:
        failure = self._fails(len(self.asked))
        self.asked.append((image.name, payload))
        return Reading(latency_s=self._latency_s, failure=failure, error=failure and f"it was {failure}")

    def recover(self) -> bool:
        self.recoveries += 1
        return self._recovers
