"""`offload-sdk baseline IMAGES`: the same images to this device and to servers, several times, side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from offload_sdk.cli.progress import progress_bar
from offload_sdk.cli.settings import Json, settings
from offload_sdk.cli.text import printable
from offload_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from offload_sdk._config import OffloadConfig
    from offload_sdk.baseline.experiment import Experiment, Result
    from offload_sdk.baseline.images import Found
    from offload_sdk.baseline.measurement import Measurement, PayloadKind
    from offload_sdk.baseline.summary import Summary

__all__ = ["baseline"]

_PAYLOADS: dict[str, tuple[PayloadKind, ...]] = {
    "both": ("sdk", "original"),
    "sdk": ("sdk",),
    "original": ("original",),
}
_MOST_SKIPPED = 5


def baseline(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="The folder for journal and results.", show_default=False)
    ],
    images: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[IMAGES]...", help="Image files, or folders of them.", show_default=False),
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(
            "--target",
            metavar="local|NAME=URL",
            help="What is measured: `local`, a server by name and address, or an endpoint of the settings.",
        ),
    ] = None,
    repeat: Annotated[int, typer.Option("--repeat", min=1, max=1000, help="How often all images are sent.")] = 3,
    payload: Annotated[
        Literal["both", "sdk", "original"],
        typer.Option("--payload", help="What servers are sent: the SDK's upload, the whole file, or each."),
    ] = "both",
    platform: Annotated[
        list[str] | None,
        typer.Option("--platform", metavar="NAME=PLATFORM", help="Where a server runs, for its price."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of the order; by default that of the settings.")
    ] = None,
    import_: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="CSV",
            help="Runs measured elsewhere: platform,total_s,mean_s,cost_usd, a row each.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure local against cloud: latency, total time, energy and cost of the same images, one at a time.

    Interrupted, it goes on where it was when the same command is started again.
    """
    _need_report()
    config = settings(seed=seed)
    if import_ is not None:
        if images or target or platform:
            raise ConfigurationError(
                "--import takes runs that are measured already: no IMAGES, --target, --platform"
            )
        from offload_sdk.baseline.imported import import_runs

        _finish(import_runs(import_), (), out, as_json)
        return
    from offload_sdk.baseline.price import parse_platforms, pricing_of
    from offload_sdk.baseline.targets import parse_targets

    specs = parse_targets(target or (), config)
    named = parse_platforms(platform or (), [spec.name for spec in specs if spec.endpoint is not None])
    if payload == "original" and (unable := [s.name for s in specs if s.endpoint and not s.takes_files]):
        raise ConfigurationError(f"--payload original: {unable[0]} takes tensors, not files")
    from offload_sdk.baseline.experiment import Experiment

    experiment = Experiment(
        config=config,
        found=_find(images or [], out, config),
        targets=specs,
        pricing={spec.name: pricing_of(spec, named, config.usd_per_kwh) for spec in specs},
        repeat=repeat,
        seed=config.seed or 0,
        payloads=_PAYLOADS[payload],
    )
    result = _run(experiment, out)
    _finish(result.summary, result.measurements, out, as_json)


def _need_report() -> None:
    """Raise `ConfigurationError` now, rather than when everything has been measured."""
    if any(find_spec(name) is None for name in ("jinja2", "matplotlib")):
        raise ConfigurationError("the report needs jinja2 and matplotlib: pip install 'offload-sdk[report]'")


def _find(images: Sequence[Path], out: Path, config: OffloadConfig) -> Found:
    from offload_sdk.baseline.images import find_images
    from offload_sdk.model import PictureLimits

    if not images:
        raise ConfigurationError("nothing to send: give a folder of images, or their files")
    limits = PictureLimits(max_bytes=config.limits.max_image_bytes, max_pixels=config.limits.max_pixels)
    with progress_bar("reading the images") as tell:
        found = find_images(images, limits, lambda frac: tell("", frac), without=out)
    if found.skipped:
        some = ", ".join(map(printable, found.skipped[:_MOST_SKIPPED]))
        more = ", …" if len(found.skipped) > _MOST_SKIPPED else ""
        names = f"{len(found.skipped):,} ({some}{more})"
        typer.echo(f"passed over, as no image: {names}; `offload-sdk classify FILE` says why", err=True)
    return found


def _run(experiment: Experiment, out: Path) -> Result:
    try:
        with progress_bar("measuring") as tell:
            return experiment.run(out, tell)
    except KeyboardInterrupt:
        typer.echo(
            f"interrupted; every measurement so far is kept in {out}: start the same command again to go on",
            err=True,
        )
        raise


def _finish(summary: Summary, measurements: Sequence[Measurement], out: Path, as_json: bool) -> None:
    from offload_sdk.baseline.files import summary_dict, write_results
    from offload_sdk.baseline.report import write as write_report
    from offload_sdk.baseline.text import plain

    written = [*write_results(summary, measurements, out), *write_report(summary, measurements, out)]
    if as_json:
        typer.echo(json.dumps(summary_dict(summary)))
    else:
        typer.echo(plain(summary))
    typer.echo(f"wrote {written[-1]}, and {len(written) - 1} tables, figures and data files beside it", err=True)
