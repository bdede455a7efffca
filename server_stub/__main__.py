"""`python -m server_stub`: the server without the command line of the SDK, for a container.

The only file here that reads the environment. `OFFLOAD_TOKEN`, `OFFLOAD_MODEL` and `OFFLOAD_HOME` mean what they
mean to the SDK, where the server's own variables do not say otherwise.
"""

from __future__ import annotations

import os
import sys

from offload_sdk.errors import OffloadError
from server_stub.options import read_settings, settings_of_the_sdk
from server_stub.run import serve

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 stopped in good order, 1 failed, 2 (by argparse) wrong usage."""
    try:
        serve(
            read_settings(
                arguments, os.environ, prog="python -m server_stub", inherited=settings_of_the_sdk(os.environ)
            )
        )
    except OffloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
