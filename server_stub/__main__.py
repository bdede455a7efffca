"""`python -m server_stub`: the server without the command line of the SDK, for a container.

The only file here that reads arguments and the environment. `OFFLOAD_TOKEN` holds tokens separated by commas,
where other users of the machine cannot read them off the process list.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from offload_sdk.errors import OffloadError
from server_stub.run import serve
from server_stub.settings import ServerSettings


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 stopped in good order, 1 failed, 2 (by argparse) wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m server_stub", description="Classify pictures sent by HTTP.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one")
    parser.add_argument("--model", default=os.environ.get("OFFLOAD_MODEL") or "auto")
    parser.add_argument("--workers", type=int, help="default: one per usable core")
    parser.add_argument("--token-file", type=Path, help="hashes of the clients' tokens; see server_stub.add_token")
    parser.add_argument("--rate", type=float, help="requests a second that one client may send; default: any")
    options = parser.parse_args(arguments)
    tokens = (token.strip() for token in os.environ.get("OFFLOAD_TOKEN", "").split(","))
    home = os.environ.get("OFFLOAD_HOME")
    extra = {} if options.workers is None else {"workers": options.workers}
    try:
        serve(
            ServerSettings(
                host=options.host,
                port=options.port,
                model=options.model,
                models_dir=Path(home).expanduser() / "models" if home else None,
                tokens=tuple(token for token in tokens if token),
                token_file=options.token_file,
                rate_per_s=options.rate,
                **extra,
            )
        )
    except OffloadError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
