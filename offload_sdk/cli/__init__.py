"""The command `offload-sdk`. One file per command; each loads what it needs when it runs, so `--help` is quick."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Run the command line with the process's arguments and exit: 0 done, 1 failed, 2 wrong usage."""
    from offload_sdk.cli.app import app

    app(prog_name="offload-sdk")
