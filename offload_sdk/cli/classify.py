"""`offload-sdk classify IMAGE…`: one line per image, in the order given."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from offload_sdk.cli.settings import Json, Model, Server, settings
from offload_sdk.cli.text import milliseconds, printable
from offload_sdk.errors import ConfigurationError, OffloadError

if TYPE_CHECKING:
    from offload_sdk._offloader import Offloader
    from offload_sdk._types import Classification

__all__ = ["classify", "expand"]

_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".avif")
)


def classify(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Image files, or folders of them.")],
    as_json: Json = False,
    policy: Annotated[
        str | None,
        typer.Option("--policy", help="auto, local, remote, latency, energy, cost, deadline or bandit."),
    ] = None,
    server: Server = None,
    model: Model = None,
    deadline: Annotated[
        float | None,
        typer.Option("--deadline", metavar="SECONDS", help="The time within which each answer is wanted."),
    ] = None,
    top_k: Annotated[int, typer.Option("--top-k", min=1, max=100, help="How many classes per image.")] = 3,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Add the other classes and the reason.")
    ] = False,
) -> None:
    """Classify images on the device or at a server, whichever is better for each.

    An image that cannot be classified gets its error in its place, and the exit status is 1 at the end.
    """
    config = settings(server=server, policy=policy, model=model, deadline_s=deadline)
    from offload_sdk._offloader import Offloader

    failed = False
    with Offloader(config) as offloader:
        for image in expand(images):
            failed |= not _classify_one(offloader, image, top_k, as_json=as_json, verbose=verbose)
    if failed:
        raise typer.Exit(1)


def _classify_one(offloader: Offloader, image: str, top_k: int, *, as_json: bool, verbose: bool) -> bool:
    try:
        result = offloader.classify(image, top_k=top_k)
    except ConfigurationError:
        raise
    except OffloadError as error:
        _print_error(image, error, as_json)
        return False
    _print_result(image, result, as_json, verbose)
    return True


def expand(images: list[str]) -> Iterator[str]:
    """Yield each path as it was given, and for a folder the paths of its images by name.

    A folder without images is yielded itself: its error says what is wrong. Subfolders and hidden files are
    passed over.
    """
    for image in images:
        if not os.path.isdir(image):
            yield image
            continue
        try:
            names = sorted(
                name
                for name in os.listdir(image)
                if not name.startswith(".") and Path(name).suffix.lower() in _SUFFIXES
            )
        except OSError:
            names = []
        yield from (os.path.join(image, name) for name in names) if names else (image,)


def _print_error(image: str, error: OffloadError, as_json: bool) -> None:
    if as_json:
        _print_json({"image": image, "error": str(error)})
    else:
        typer.echo(f"{printable(image)}: error: {printable(str(error))}", err=True)


def _print_result(image: str, result: Classification, as_json: bool, verbose: bool) -> None:
    if as_json:
        _print_json({"image": image, **result.to_dict()})
        return
    best, *others = result.labels
    where = result.path if result.endpoint is None else f"remote ({result.endpoint})"
    how = ", fallback" if result.fallback else ", hedged" if result.hedged else ""
    typer.echo(
        f"{printable(image)}: {best.name} {best.probability:.1%}, {where}{how}, {milliseconds(result.latency_s)}"
    )
    if result.failure is not None:
        typer.echo(f"    not {result.decision.chosen}: {printable(result.failure)}")
    if verbose:
        if others:
            typer.echo("    or " + ", ".join(f"{label.name} {label.probability:.1%}" for label in others))
        typer.echo(f"    {printable(result.decision.reason)}")


def _print_json(document: dict[str, Any]) -> None:
    # ASCII, so that any path survives any encoding; flushed, so that a reader sees each answer at once.
    print(json.dumps(document), flush=True)
