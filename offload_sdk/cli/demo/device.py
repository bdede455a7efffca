"""The device of the demonstration: a process of its own, to be slowed down, that does what it is told.

Commands and replies are JSON, one object a line: `load`, `calibrate`, `connect`, `classify`, `close`. It ends
with its input, so it never outlives the demonstration. All that it measures is real.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from offload_sdk._types import Snapshot
from offload_sdk.errors import OffloadError

if TYPE_CHECKING:
    from offload_sdk._offloader import Offloader

__all__ = ["serve"]

Tell = Callable[[dict[str, Any]], None]


class _EmulatedBoard:
    """Reads the machine, but not its load: its idle time is not the emulated board's to have."""

    def __init__(self) -> None:
        from offload_sdk.measure.device import Device

        self._device = Device()

    def read(self) -> Snapshot:
        return replace(self._device.read(), cpu_load_frac=None)


class _Device:
    """One method per command; what it returns is the reply."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._offloader: Offloader | None = None

    def load(self, home: str, model: str) -> dict[str, Any]:
        """Load all code and build the model, while the process still runs at full speed."""
        import calibration._calibrate  # noqa: F401 (only loaded here)
        import offload_sdk.execute.exchange  # noqa: F401
        from offload_sdk._config import LogConfig, OffloadConfig
        from offload_sdk._offloader import Offloader

        config = OffloadConfig(home=Path(home), model=model, log=LogConfig(enabled=False))
        with Offloader(config) as offloader:
            local: dict[str, Any] = offloader.status()["local"]
        return local

    def calibrate(self, home: str, model: str) -> dict[str, Any]:
        from calibration import calibrate
        from offload_sdk._config import OffloadConfig

        def progress(step: str, frac: float) -> None:
            self._tell({"step": step, "frac": frac})

        document = calibrate(OffloadConfig(home=Path(home), model=model), quick=True, progress=progress).document
        infer_s = document.infer[document.threads].median_s
        return {"infer_s": infer_s, "threads": document.threads, "warnings": document.warnings}

    def connect(self, settings: dict[str, Any], emulated: bool) -> dict[str, Any]:
        """Make the `Offloader` that `classify` uses. `emulated`: this process is slower than the machine."""
        from offload_sdk._config import OffloadConfig
        from offload_sdk._offloader import Offloader

        probe = _EmulatedBoard() if emulated else None
        self._offloader = Offloader(OffloadConfig(**settings), probe=probe)
        return {}

    def classify(self, image: str) -> dict[str, Any]:
        assert self._offloader is not None, "connect first"
        return self._offloader.classify(image).to_dict()

    def close(self) -> dict[str, Any]:
        """Let shadow runs end and close the log."""
        if self._offloader is not None:
            self._offloader.close()
            self._offloader = None
        return {}


def serve(commands: TextIO, replies: TextIO) -> None:
    """Answer each command with `{"done": …}` or `{"error": message}`; progress comes before as other objects."""

    def tell(message: dict[str, Any]) -> None:
        replies.write(json.dumps(message) + "\n")
        replies.flush()

    device = _Device(tell)
    try:
        for line in commands:
            command = json.loads(line)
            try:
                tell({"done": getattr(device, command.pop("do"))(**command)})
            except OffloadError as error:
                tell({"error": str(error)})
    finally:
        device.close()


def main() -> None:
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C is the demonstration's; and in a group of its own, a stopped orphan is continued
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as replies:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no reply
        serve(sys.stdin, replies)


if __name__ == "__main__":
    main()
