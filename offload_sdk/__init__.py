"""offload-sdk: classify every image on the device or in the cloud, whichever is better right now.

Importing this loads nothing heavy: every name is loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload_sdk._version import __version__
from offload_sdk.errors import (
    ConfigurationError,
    DeadlineExceededError,
    InvalidImageError,
    ModelError,
    OffloadError,
    RemoteError,
)

if TYPE_CHECKING:
    from offload_sdk._answer import Answer
    from offload_sdk._api import classify
    from offload_sdk._config import EndpointConfig, OffloadConfig
    from offload_sdk._offloader import Offloader
    from offload_sdk._task_offloader import TaskOffloader
    from offload_sdk._types import Classification, Decision, Estimate, Label

__all__ = [
    "Answer",
    "Classification",
    "ConfigurationError",
    "DeadlineExceededError",
    "Decision",
    "EndpointConfig",
    "Estimate",
    "InvalidImageError",
    "Label",
    "ModelError",
    "OffloadConfig",
    "OffloadError",
    "Offloader",
    "RemoteError",
    "TaskOffloader",
    "__version__",
    "classify",
]

_HOME_OF = {
    "Answer": "_answer",
    "Classification": "_types",
    "Decision": "_types",
    "EndpointConfig": "_config",
    "Estimate": "_types",
    "Label": "_types",
    "OffloadConfig": "_config",
    "Offloader": "_offloader",
    "TaskOffloader": "_task_offloader",
    "classify": "_api",
}


def __getattr__(name: str) -> object:
    module = _HOME_OF.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
