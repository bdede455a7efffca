"""`offload-sdk report`: local against cloud, from the log; and the log itself as CSV or JSON lines."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from offload_sdk.cli.settings import Json, settings
from offload_sdk.errors import ConfigurationError, OffloadError

if TYPE_CHECKING:
    from offload_sdk._types import Record
    from offload_sdk.report import Report

__all__ = ["parse_since", "report"]

_SPAN = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def report(
    log: Annotated[
        Path | None,
        typer.Argument(metavar="[LOG]", help="The log's file.", show_default="the configured one"),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with the table and a picture."),
    ] = None,
    chart: Annotated[
        Path | None,
        typer.Option("--chart", metavar="FILE", help="Write the picture (.png, .svg or .pdf)."),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write the images as CSV; - is the standard output."),
    ] = None,
    jsonl: Annotated[
        Path | None,
        typer.Option("--jsonl", metavar="FILE", help="Write all that is known as JSON lines; - as above."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="From 2026-01-31, 2026-01-31T12:00, or 90m, 24h, 7d ago on."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare the local path with the servers: count, times, energy, money, failures, errors of prediction."""
    from offload_sdk.log import read_rows
    from offload_sdk.log.export import write_csv, write_jsonl

    path = log if log is not None else settings().log_path
    since_s = None if since is None else parse_since(since, time.time())

    def rows() -> Iterable[Record]:
        return read_rows(path, since_s=since_s)

    if csv is not None:
        _export(csv, lambda stream: write_csv(rows(), stream))
    if jsonl is not None:
        _export(jsonl, lambda stream: write_jsonl(rows(), stream))
    if chart is not None:
        from offload_sdk.report.chart import decisions

        decisions(rows(), chart)
        typer.echo(f"wrote {chart}", err=True)
    if html is not None:
        _write_page(html, path, rows)
    if as_json or (csv is None and jsonl is None and chart is None and html is None):
        from offload_sdk.report import summarise

        _show(summarise(rows()), as_json)


def parse_since(text: str, now_s: float) -> float:
    """Return the Unix time that a span (`24h`) or a moment in ISO form (local time unless it says) means."""
    span = _SPAN.fullmatch(text.strip())
    if span is not None:
        return now_s - float(span[1]) * _SECONDS[span[2]]
    try:
        return datetime.fromisoformat(text.strip().replace("Z", "+00:00")).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ConfigurationError(
            f"--since {text!r} is neither a time such as 2026-01-31T12:00 nor a span such as 90m, 24h or 7d"
        ) from None


def _export(target: Path, write: Callable[[IO[str]], int]) -> None:
    if str(target) == "-":
        write(sys.stdout)
        sys.stdout.flush()
        return
    try:
        with target.open("w", encoding="utf-8", newline="") as stream:
            count = write(stream)
    except OSError as error:
        raise OffloadError(f"{target} cannot be written: {error.strerror}") from None
    typer.echo(f"wrote {target} ({count:,} images)", err=True)


def _write_page(target: Path, log: Path, rows: Callable[[], Iterable[Record]]) -> None:
    from offload_sdk.report import summarise
    from offload_sdk.report.chart import svg
    from offload_sdk.report.html import page

    found = summarise(rows())
    try:
        picture = svg(rows()) if found.images else None
    except ConfigurationError as error:  # without matplotlib the page still has its tables
        typer.echo(f"warning: {error}; the page has no picture", err=True)
        picture = None
    try:
        target.write_text(page(found, source=str(log), chart=picture), encoding="utf-8")
    except OSError as error:
        raise OffloadError(f"{target} cannot be written: {error.strerror}") from None
    typer.echo(f"wrote {target}", err=True)


def _show(found: Report, as_json: bool) -> None:
    from offload_sdk.report.render import NOTES, facts, plain, rich_table, to_dict

    if as_json:
        typer.echo(json.dumps(to_dict(found)))
        return
    if not sys.stdout.isatty() or not found.images:
        typer.echo(plain(found))
        return
    from rich.console import Console

    console = Console(highlight=False)
    console.print(facts(found), markup=False)
    console.print(rich_table(found, columns=console.width))
    if found.baseline:
        console.print(rich_table(found, baseline=True, columns=console.width))
    for note in NOTES:
        console.print(note, style="dim", markup=False)
