"""`python -m server_stub.add_token FILE NAME`: makes a token, adds its hash to the file and prints it, once.

The file is replaced as a whole, so that a server that reads it meanwhile sees the old one or the new one.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from offload_sdk.errors import ConfigurationError
from server_stub.tokens import new_secret, read_tokens, token_line

__all__ = ["add_token", "main"]

_MODE = 0o600


def add_token(path: Path, name: str) -> str:
    """Return the new token; only its hash is in the file. Raises `ConfigurationError`."""
    secret = new_secret()
    line = token_line(name, secret)
    target = path.resolve()  # the file itself is replaced, not a link to it
    try:
        if target.exists():
            read_tokens(target)  # a file of another kind must not be extended
            before, mode = target.read_text("utf-8"), target.stat().st_mode & 0o777
        else:
            before, mode = "", _MODE
        if before and not before.endswith("\n"):
            before += "\n"
        _replace(target, f"{before}{line}\n", mode)
    except OSError as error:
        raise ConfigurationError(f"the token file {path} cannot be written: {error.strerror}") from None
    return secret


def _replace(target: Path, text: str, mode: int) -> None:
    descriptor, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(draft, mode)
        os.replace(draft, target)
    except BaseException:
        os.unlink(draft)
        raise


def main(arguments: list[str] | None = None) -> int:
    """Return the exit status: 0 done, 1 failed, 2 (by argparse) wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m server_stub.add_token",
        description="Make a token for one client. Its hash goes to the file; the token itself is printed, once.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="made if it is not there")
    parser.add_argument("name", metavar="NAME", help="who gets the token; to take it back, delete its line")
    options = parser.parse_args(arguments)
    try:
        print(add_token(options.file, options.name))
    except ConfigurationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
