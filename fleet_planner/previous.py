"""Where the devices of an earlier plan attach, read from its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from offload_sdk.errors import ConfigurationError

__all__ = ["read_previous"]


def read_previous(file: Path) -> dict[str, str]:
    """Return the edge server of each device. Raises `ConfigurationError` if the file is no plan."""
    try:
        document: Any = json.loads(file.read_bytes())
        return {str(device): str(row["path"][0]) for device, row in document["assignments"].items()}
    except (OSError, RecursionError) as error:
        raise ConfigurationError(f"the plan {file} cannot be read: {error}") from None
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise ConfigurationError(f"{file} is no plan that `offload-sdk plan --out` has written") from None
