"""`python -m server_stub`: the server without the command line of the SDK, for a container.

The only file here that reads the environment. `OFFLOAD_TOKEN`, `OFFLOAD_MODEL` and `OFFLOAD_HOME` mean what they
mean to the SDK, where the server's own variables do not say otherwise.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from offload_sdk.errors import OffloadError
from server_stub.options import read_settings
from server_stub.run import serve

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 stopped in good order, 1 failed, 2 (by argparse) wrong usage."""
    try:
        serve(
            read_settings(arguments, os.environ, prog="python -m server_stub", inherited=_of_the_sdk(os.environ))
        )
    except OffloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _of_the_sdk(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if model := environment.get("OFFLOAD_MODEL"):
        values["model"] = model
    if home := environment.get("OFFLOAD_HOME"):
        values["models_dir"] = Path(home).expanduser() / "models"
    if tokens := environment.get("OFFLOAD_TOKEN"):
        values["tokens"] = tuple(token for token in map(str.strip, tokens.split(",")) if token)
    return values


if __name__ == "__main__":
    sys.exit(main())
