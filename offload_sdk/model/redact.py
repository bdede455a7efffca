"""The user's hook that makes pixels unrecognisable before they leave the device. It fails closed: without proper
pixels from the hook nothing of the picture is sent. What is done to the pixels is the hook's affair."""

from __future__ import annotations

import importlib
import time
from typing import Any

import numpy as np
import numpy.typing as npt

from offload_sdk.errors import ConfigurationError, RemoteError
from offload_sdk.typing import Redact

__all__ = ["Redaction", "load_redact"]


class Redaction:
    """The hook for one picture. Once it has failed the picture is not sent at all: one endpoint must not get what
    was kept from another."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._failure: str | None = None

    def __call__(self, pixels: npt.NDArray[np.uint8], timings: dict[str, float]) -> npt.NDArray[np.uint8]:
        """Return uint8 pixels (height, width, 3) as they may be sent; the given ones stay as they are. Adds to
        `redact`. Raises `RemoteError` (`redaction`)."""
        if self._failure is None:
            started_s = time.perf_counter()
            try:
                # A copy, as hooks may draw on what they get, and another as they may go on drawing.
                redacted = self._redact(pixels.copy())
                self._failure = _fault(redacted, pixels)
                if self._failure is None:
                    return np.array(redacted)
            except Exception as error:
                self._failure = f"it raised {type(error).__name__}: {error}"
            finally:
                timings["redact"] = timings.get("redact", 0.0) + time.perf_counter() - started_s
        raise RemoteError(
            f"the picture was not sent, as the redaction hook failed on it: {self._failure}", kind="redaction"
        )


def load_redact(name: str) -> Redact:
    """Return the callable `module:name`. Raises `ConfigurationError`."""
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in path.split("."):
            found = getattr(found, part)
    except Exception as error:  # importing a module may raise anything
        raise ConfigurationError(
            f"redact is {name!r}, which cannot be imported ({type(error).__name__}: {error}); name a function as "
            "module:function, in a module on Python's path"
        ) from None
    if not callable(found):
        raise ConfigurationError(f"redact is {name!r}, which is no function")
    return found  # type: ignore[no-any-return]  # what it returns is looked at each time


def _fault(redacted: Any, pixels: npt.NDArray[np.uint8]) -> str | None:
    # What a masked array hides is still in it, and would be sent.
    if not isinstance(redacted, np.ndarray) or isinstance(redacted, np.ma.MaskedArray):
        return f"it returned {type(redacted).__name__} and not a plain array"
    if redacted.dtype != pixels.dtype or redacted.shape != pixels.shape:
        return f"it returned {redacted.dtype} {redacted.shape} for {pixels.dtype} {pixels.shape}"
    return None
