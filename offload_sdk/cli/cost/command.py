"""The command's options and what they lead to. Arithmetic is `offload_sdk.pricing`'s, wording `text.py`'s."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from offload_sdk.cli.settings import Json
from offload_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from offload_sdk.pricing.load import Load, Scaling

__all__ = ["cost"]

_SERVICE_S = 0.022
"""CPU time of a request on one vCPU of an x86-64 server: docs/server-throughput.md, `make bench-server`."""


def cost(
    images_per_s: Annotated[
        float | None,
        typer.Option("--images-per-s", metavar="RATE", help="Images a second, of all cameras together."),
    ] = None,
    images_per_month: Annotated[
        float | None, typer.Option("--images-per-month", metavar="N", help="The same as a number a month.")
    ] = None,
    hours_per_day: Annotated[
        float, typer.Option("--hours-per-day", metavar="H", help="How long the cameras are on.")
    ] = 24.0,
    service_s: Annotated[
        float, typer.Option("--service-s", metavar="S", help="Time for which an image occupies one vCPU.")
    ] = _SERVICE_S,
    platform: Annotated[
        list[str] | None,
        typer.Option("--platform", metavar="NAME", help="Choose among these only (fargate, ec2, …; repeat it)."),
    ] = None,
    any_terms: Annotated[
        bool, typer.Option("--any-terms", help="Choose among Spot and committed prices too.")
    ] = False,
    scaling: Annotated[
        str, typer.Option("--scaling", metavar="fixed|auto|zero", help="What runs while no images come.")
    ] = "auto",
    utilisation: Annotated[
        float, typer.Option("--utilisation", metavar="SHARE", help="How far a unit is to be loaded.")
    ] = 0.7,
    overheads: Annotated[
        bool, typer.Option("--overheads/--no-overheads", help="Count what is paid beside computing.")
    ] = True,
    load_balancer: Annotated[
        bool, typer.Option("--load-balancer/--no-load-balancer", help="Count a load balancer among it.")
    ] = True,
    run_s: Annotated[
        float | None,
        typer.Option("--run-s", metavar="S", help="Show what one run of so many seconds costs, and nothing else."),
    ] = None,
    run_images: Annotated[
        int, typer.Option("--run-images", metavar="N", min=1, help="... of so many images.")
    ] = 600,
    prices: Annotated[
        Path | None, typer.Option("--prices", metavar="FILE", help="Your own prices (TOML) over the shipped ones.")
    ] = None,
    chart: Annotated[
        Path | None,
        typer.Option("--chart", metavar="FILE", help="Draw cost against rate (.png, .svg or .pdf)."),
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Show S0's published costs beside list prices, and nothing else.")
    ] = False,
    sources: Annotated[
        bool, typer.Option("--sources", help="Show every figure with its source, and nothing else.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell what a server in the cloud would cost a month, on what, and where another platform becomes cheaper."""
    from offload_sdk.cli.cost import text
    from offload_sdk.cli.cost.question import Question, ask, chosen, run_costs
    from offload_sdk.pricing.load import Operation
    from offload_sdk.pricing.month import Overheads
    from offload_sdk.pricing.price_file import read_prices
    from offload_sdk.pricing.price_list import shipped_prices
    from offload_sdk.pricing.published import published_runs

    price_list = shipped_prices() if prices is None else read_prices(prices)
    candidates = chosen(price_list, platform or (), any_terms=any_terms)
    listed = candidates if platform else tuple(price_list.platforms.values())
    if published:
        runs = published_runs(price_list)
        typer.echo(json.dumps(text.published_list(runs)) if as_json else text.published_text(runs))
        return
    if sources:
        typer.echo(json.dumps(text.sources_list(price_list)) if as_json else text.sources_text(price_list))
        return
    if run_s is not None:
        costs = run_costs(listed, run_s, run_images)
        typer.echo(json.dumps([asdict(each) for each in costs]) if as_json else text.runs_text(costs))
        return
    answer = ask(
        Question(
            load=_load(images_per_s, images_per_month, hours_per_day, service_s),
            operation=Operation(scaling=_scaling(scaling), utilisation_frac=utilisation),
            overheads=Overheads(counted=overheads, load_balancer=load_balancer),
            prices=price_list,
            listed=listed,
            candidates=candidates,
        )
    )
    if chart is not None:
        from offload_sdk.cli.cost.chart import draw

        draw(answer, chart)
        typer.echo(f"wrote {chart}", err=True)
    typer.echo(json.dumps(text.answer_dict(answer)) if as_json else text.answer_text(answer))


def _load(per_s: float | None, per_month: float | None, hours_per_day: float, service_s: float) -> Load:
    if (per_s is None) == (per_month is None):
        raise ConfigurationError("say how many images come: either --images-per-s or --images-per-month")
    from offload_sdk.pricing.load import Load

    if per_s is not None:
        return Load(images_per_s=per_s, service_s=service_s, hours_per_day=hours_per_day)
    unit_rate = Load(images_per_s=1.0, service_s=service_s, hours_per_day=hours_per_day)
    rate = (per_month or 0.0) / unit_rate.images_per_month
    return Load(images_per_s=rate, service_s=service_s, hours_per_day=hours_per_day)


def _scaling(name: str) -> Scaling:
    from offload_sdk.pricing.load import Scaling

    for known in get_args(Scaling):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise ConfigurationError(f"--scaling is fixed, auto or zero, not {name!r}")
