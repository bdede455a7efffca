"""`offload-sdk demo`: the whole loop on this machine, in about a minute. Loads its parts only when it runs."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from offload_sdk.errors import ConfigurationError

__all__ = ["demo"]

# Package on PyPI by module.
_NEEDED = {
    "skimage": "scikit-image",
    "matplotlib": "matplotlib",
    "fastapi": "fastapi",
    "uvicorn": "uvicorn",
    "multipart": "python-multipart",
}


def demo(
    seconds: Annotated[float, typer.Option("--seconds", min=4.0, max=3600.0, help="How long to classify.")] = 50.0,
    slow: Annotated[
        bool, typer.Option("--slow/--no-slow", help="Emulate a slow board, unless this is one already.")
    ] = True,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", file_okay=False, help="For all files that are written.")
    ] = Path("demo-output"),
) -> None:
    """Watch photographs go to the device or to a server while the link changes and breaks.

    Calibrates, starts a server on this machine and classifies through an emulated link; then prints the
    local-vs-cloud table and draws a picture. Needs no network. Your own OFFLOAD_HOME is not touched.
    """
    missing = [package for module, package in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise ConfigurationError(f"the demo needs {', '.join(missing)}: pip install 'offload-sdk[demo]'")
    from rich.console import Console

    from offload_sdk.cli.demo.run import Options, run
    from offload_sdk.cli.demo.screen import Screen

    screen = Screen(Console())
    try:
        good = run(Options(seconds=seconds, slow=slow, out=out), screen)
    except KeyboardInterrupt:
        screen.say("Stopped. Nothing is left running.")
        raise
    if not good:
        raise typer.Exit(1)
