"""`offload-sdk calibrate`: measures this device and shows what it found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from offload_sdk.cli.progress import progress_bar
from offload_sdk.cli.settings import Json, Model, settings
from offload_sdk.cli.text import bytes_text, milliseconds

if TYPE_CHECKING:
    from offload_sdk._profile import ProfileDocument, Timing

__all__ = ["calibrate", "summary"]


def calibrate(
    server: Annotated[
        str | None,
        typer.Option("--server", metavar="URL", help="Measure the link to this server too."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Under ten seconds on a PC, with fewer samples.")] = False,
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Measure this device, so that predictions are right from the first image.

    The profile is kept in OFFLOAD_HOME.
    """
    config = settings(server=server, model=model)
    from calibration import calibrate as run

    # Without --server a configured one is measured: the link is half of every decision.
    url = config.all_endpoints[0].url if config.all_endpoints else None
    with progress_bar("calibrating") as tell:
        report = run(config, quick=quick, server_url=url, progress=tell)
    if as_json:
        typer.echo(json.dumps(report.to_dict()))
        return
    for line in summary(report.document):
        typer.echo(line)
    typer.echo(f"profile     {report.path}")
    for warning in report.document.warnings:
        typer.echo(f"warning: {warning}", err=True)


def summary(document: ProfileDocument) -> Iterator[str]:
    """Yield the profile as lines for people."""
    yield f"board       {document.board}, {document.cores} cores, governor {document.governor or 'unknown'}"
    yield f"runtime     {document.runtime} {document.runtime_version}, Python {document.python}"
    yield f"model       {document.model}"
    for threads, timing in sorted(document.infer.items()):
        chosen = "  <- chosen" if threads == document.threads else ""
        yield f"inference   {threads} thread{'s' if threads > 1 else ' '} {_timing(timing)}{chosen}"
    yield f"preprocess  {_timing(document.preprocess)}"
    yield f"encode      {_timing(document.encode)}"
    for name, decode in document.decode.items():
        yield f"decode      {name or 'other'}: {milliseconds(1e6 * decode.s_per_pixel)} per megapixel"
    if document.memory_bytes is not None:
        yield f"memory      {bytes_text(document.memory_bytes)}"
    if document.temperature_after_c is not None:
        before = document.temperature_before_c
        yield f"heat        {'' if before is None else f'{before:.0f} -> '}{document.temperature_after_c:.0f} °C"
    link = document.link
    if link is not None:
        rate = "unknown" if link.uplink_bytes_per_s is None else f"{8e-6 * link.uplink_bytes_per_s:.1f} Mbit/s"
        yield f"link        {link.url}: round trip {milliseconds(link.rtt_s)}, uplink {rate}"
    for note in document.notes:
        yield f"note: {note}"


def _timing(timing: Timing) -> str:
    return f"median {milliseconds(timing.median_s)}, p90 {milliseconds(timing.p90_s)} ({timing.samples} samples)"
