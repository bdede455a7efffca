"""Offloaders with a real model for the tests of the whole loop. Makes objects; asserts nothing."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from offload_sdk import OffloadConfig, Offloader
from offload_sdk._types import Record, Snapshot
from offload_sdk.log import read_rows
from offload_sdk.testing import FaultyServer, ReceivedRequest, ScriptedProbe

PATIENCE_S = 20.0  # far more than anything here takes: it only shows that nothing hangs


@cache
def built_models() -> Path:
    """A folder with the offline model, built once per test run."""
    from offload_sdk.model import resolve

    folder = Path(tempfile.mkdtemp(prefix="offload-models-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    resolve("efficientnet_lite0", folder)
    return folder


def give_model(home: Path) -> Path:
    """Put the offline model into a home folder."""
    folder = home / "models"
    folder.mkdir(parents=True, exist_ok=True)
    for file in built_models().iterdir():
        if not (folder / file.name).exists():
            shutil.copy(file, folder / file.name)
    return home


QUICK = {
    "model": "efficientnet_lite0",
    "threads": 1,
    "seed": 5,
    "circuit": {"failures": 2, "cooldown_s": 0.05, "max_cooldown_s": 0.2},
    "probe": {"interval_s": 0.1},
}


def make(home: Path, *urls: str, parts: dict[str, Any] | None = None, **values: Any) -> Offloader:
    """Return an Offloader on mains power whose circuits and probes are quick to come back."""
    endpoints = [{"name": name, "url": url} for name, url in zip(("edge", "cloud", "far"), urls, strict=False)]
    config = OffloadConfig(**{**QUICK, "home": give_model(home), "endpoints": endpoints, **values})
    probe = ScriptedProbe([Snapshot(taken_s=0.0, on_mains=True, battery_frac=0.83, signal_dbm=-55.0)])
    return Offloader(config, **{"probe": probe, **(parts or {})})


@cache
def jpeg(shade: int = 0, side: int = 320) -> bytes:
    """A picture of a few coloured shapes; another one for each shade."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (side, side), ((shade * 37) % 256, 120, (shade * 91) % 256))
    draw = ImageDraw.Draw(image)
    draw.ellipse((side * 0.2, side * 0.2, side * 0.8, side * 0.7), fill=(230, (shade * 53) % 256, 40))
    draw.rectangle((side * 0.4, side * 0.5, side * 0.6, side * 0.95), fill=(20, 40, (shade * 29) % 256))
    stream = BytesIO()
    image.save(stream, "JPEG", quality=92)
    return stream.getvalue()


def rows(offloader: Offloader) -> list[Record]:
    return list(read_rows(offloader.config.log_path))


def until(condition: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
    """Wait for a condition and return its value; a test that waits in vain fails with `what`."""
    end_s = time.monotonic() + patience_s
    while not (value := condition()):
        assert time.monotonic() < end_s, f"in {patience_s:.0f} s it did not come about that {what}"
        time.sleep(0.01)
    return value


def images_sent(server: FaultyServer) -> list[ReceivedRequest]:
    """What came to the server for a picture of ours; probes carry no request id."""
    return [r for r in server.requests if r.path == "/analyze" and "offload-request-id" in r.headers]
