"""`python -m server_stub.deploy.healthcheck [URL]`: exit status 0 if the server is ready, else 1.

A container's check starts it every few seconds: standard library alone, nothing of the server is loaded.
"""

from __future__ import annotations

import argparse
import sys
import urllib.error
import urllib.request

__all__ = ["is_ready", "main"]

_DEFAULT_URL = "http://127.0.0.1:8080/"
_TIMEOUT_S = 3.0


def is_ready(url: str, timeout_s: float = _TIMEOUT_S) -> bool:
    """Whether the server's health answers 200; a server that cannot be reached is not ready."""
    try:
        with urllib.request.urlopen(url, timeout=timeout_s) as answer:  # noqa: S310 - main() lets only http pass
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main(arguments: list[str] | None = None) -> int:
    prog = "python -m server_stub.deploy.healthcheck"
    parser = argparse.ArgumentParser(prog=prog, description="Ask whether a server is ready.")
    parser.add_argument("url", nargs="?", default=_DEFAULT_URL, help="its health address")
    url = parser.parse_args(arguments).url
    if not url.startswith(("http://", "https://")):
        parser.error(f"{url!r} is no address such as {_DEFAULT_URL}")
    return 0 if is_ready(url) else 1


if __name__ == "__main__":
    sys.exit(main())
