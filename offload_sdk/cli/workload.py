"""`offload-sdk workload DIR`: pictures of many sizes to measure with. Loads its parts only when it runs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from offload_sdk.cli.progress import progress_bar
from offload_sdk.cli.settings import Json
from offload_sdk.cli.text import bytes_text, printable

__all__ = ["workload"]


def workload(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", file_okay=False, help="A new folder, or an unfinished one.")
    ],
    images: Annotated[int, typer.Option("--images", metavar="N", help="How many pictures.")] = 600,
    seed: Annotated[int, typer.Option("--seed", help="Another seed draws other pictures.")] = 0,
    smallest: Annotated[
        int, typer.Option("--smallest", metavar="BYTES", help="Sizes are log-uniform from here ...")
    ] = 2_000,
    largest: Annotated[int, typer.Option("--largest", metavar="BYTES", help="... to here.")] = 5_000_000,
    as_json: Json = False,
) -> None:
    """Make pictures to measure with: JPEG, PNG and WebP of many sizes and qualities, from real photographs.

    They are crops of the photographs that scikit-image carries, enlarged, with the noise of a sensor. The same
    options give the same files. Stopped halfway, the same command goes on where it was.
    """
    from offload_sdk.workload import MANIFEST, WorkloadSpec, write_workload

    spec = WorkloadSpec(images=images, seed=seed, smallest_bytes=smallest, largest_bytes=largest)
    began_s = time.monotonic()
    try:
        with progress_bar("workload") as tell:
            rows = write_workload(folder, spec, tell)
    except KeyboardInterrupt:
        typer.echo("interrupted; start the same command again to go on", err=True)
        raise
    total_bytes = sum(row.bytes for row in rows)
    took_s = time.monotonic() - began_s
    if as_json:
        typer.echo(
            json.dumps({"folder": str(folder), "images": len(rows), "bytes": total_bytes, "took_s": took_s})
        )
        return
    typer.echo(
        f"{len(rows)} pictures, {bytes_text(total_bytes)}, in {printable(str(folder))} ({took_s:.1f} s); "
        f"{MANIFEST} lists them"
    )
