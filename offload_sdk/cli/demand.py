"""`offload-sdk demand`: from the logs of several devices to the column `cores` of the next plan."""

from __future__ import annotations

import contextlib
import csv
import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from offload_sdk.cli.report import parse_since
from offload_sdk.errors import ConfigurationError, OffloadError

if TYPE_CHECKING:
    from offload_sdk.report.demand import Demand

__all__ = ["demand"]

MEASURED = ("cores", "images_per_s", "server_s", "upload_bytes", "images")


def demand(
    logs: Annotated[
        list[str],
        typer.Argument(metavar="[DEVICE=]LOG...", help="A device's log; its id is the file's name unless given."),
    ],
    devices: Annotated[
        Path | None,
        typer.Option(
            "--devices", metavar="CSV", help="The devices (id,lat,lon,...) to put the measured columns into."
        ),
    ] = None,
    window: Annotated[
        str,
        typer.Option("--window", metavar="SPAN", help="The rate is that of the busiest such span: 10m, 1h, 1d."),
    ] = "1h",
    busy: Annotated[
        float, typer.Option("--busy", min=0.01, max=1.0, help="Share of the time for which a core may be busy.")
    ] = 0.7,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write here instead of to stdout.")
    ] = None,
) -> None:
    """Measure what each device asks of the servers: images a second in its busiest hour, and cores for them.

    The output is for `offload-sdk plan --devices`.
    """
    from offload_sdk.log import read_rows
    from offload_sdk.report.demand import demand_of

    window_s = _span_s(window)
    found: dict[str, Demand] = {}
    for text in logs:
        device, path = _named(text)
        if device in found:
            raise ConfigurationError(f"two logs are of the device {device!r}; name them: DEVICE=LOG")
        records = read_rows(path)
        try:
            found[device] = demand_of(device, records, window_s=window_s)
        except ValueError as error:
            raise ConfigurationError(f"{path}: {error}") from None
    rows = _rows(found, busy)
    header: Sequence[str] = ("id", *MEASURED)
    if devices is not None:
        header, rows = _joined(devices, rows)
    if out is None:
        _write(sys.stdout, header, rows)
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as stream:
            _write(stream, header, rows)
    except OSError as error:
        raise OffloadError(f"{out} cannot be written: {error.strerror}") from None
    typer.echo(f"wrote {out} ({len(found)} devices measured)", err=True)


def _span_s(text: str) -> float:
    with contextlib.suppress(ConfigurationError):
        if 0.0 < (span_s := -parse_since(text, 0.0)) < math.inf:
            return span_s
    raise ConfigurationError(f"--window {text!r} is no span such as 10m, 1h or 1d")


def _named(text: str) -> tuple[str, Path]:
    device, separator, path = text.partition("=")
    return (device, Path(path)) if separator and device else (Path(text).stem, Path(text))


def _rows(found: Mapping[str, Demand], busy_frac: float) -> dict[str, dict[str, str]]:
    """Return the measured columns by device. One that no server has answered is given the others' mean."""
    times_s = [demand.server_s for demand in found.values() if demand.server_s is not None]
    if not times_s:
        raise ConfigurationError(
            "no image of these logs was answered by a server, so nobody knows what one takes there; "
            "OFFLOAD_LOG__SHADOW_RATE=0.05 has some images run on both sides"
        )
    usual_s = sum(times_s) / len(times_s)
    return {
        device: {
            "cores": f"{demand.cores(demand.server_s or usual_s, busy_frac=busy_frac):.6g}",
            "images_per_s": f"{demand.images_per_s:.6g}",
            "server_s": "" if demand.server_s is None else f"{demand.server_s:.6g}",
            "upload_bytes": "" if demand.upload_bytes is None else f"{demand.upload_bytes:.0f}",
            "images": str(demand.images),
        }
        for device, demand in found.items()
    }


def _joined(file: Path, measured: Mapping[str, dict[str, str]]) -> tuple[list[str], dict[str, dict[str, str]]]:
    """Return the file's rows with the measured columns in them; a device without a log stays as it is."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            lines = list(reader)
            columns = list(reader.fieldnames or ())
    except (OSError, ValueError, csv.Error) as error:
        raise ConfigurationError(f"the devices {file} cannot be read: {error}") from None
    if "id" not in columns:
        raise ConfigurationError(f"{file} has no column `id`; it has {', '.join(columns) or 'none'}")
    rows = {row["id"]: row for row in lines}
    if len(rows) < len(lines):
        raise ConfigurationError(f"{file} has several rows of one `id`; give each device one of its own")
    unknown = sorted(measured.keys() - rows.keys())
    if unknown:
        raise ConfigurationError(
            f"{file} has no device {unknown[0]!r}; name the log DEVICE=LOG by an id of the file"
        )
    for device, values in measured.items():
        rows[device].update(values)
    return list(dict.fromkeys((*columns, *MEASURED))), rows


def _write(stream: IO[str], header: Sequence[str], rows: Mapping[str, Mapping[str, str]]) -> None:
    writer = csv.DictWriter(stream, header, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({"id": device, **values} for device, values in rows.items())
