"""`offload-sdk plan`: which device talks to which edge or cloud server."""

from __future__ import annotations

import json
import math
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from offload_sdk.cli.progress import progress_bar
from offload_sdk.cli.settings import Json
from offload_sdk.cli.text import milliseconds, printable
from offload_sdk.errors import ConfigurationError, OffloadError

if TYPE_CHECKING:
    from fleet_planner.instance import Instance
    from fleet_planner.plan import Plan
    from fleet_planner.refusal import Refusal

__all__ = ["plan"]

_NEEDED = frozenset(("numpy", "scipy", "highspy", "pydantic"))
_SHOWN = 10


def plan(
    instance: Annotated[
        Path | None, typer.Argument(metavar="INSTANCE.json", help="Devices, servers and links in one document.")
    ] = None,
    devices: Annotated[
        Path | None,
        typer.Option("--devices", metavar="CSV", help="Columns id,lat,lon; cores and ram_mb if known."),
    ] = None,
    edges: Annotated[
        Path | None,
        typer.Option("--edges", metavar="CSV", help="Columns id,lat,lon; cores, ram_gb, usd_per_h, url if known."),
    ] = None,
    clouds: Annotated[
        Path | None,
        typer.Option("--clouds", metavar="CSV", help="As --edges; kind (municipal or on_demand) if known."),
    ] = None,
    city: Annotated[
        int | None, typer.Option("--city", metavar="N", min=0, help="Instead: a made-up city with N devices.")
    ] = None,
    technology: Annotated[
        str,
        typer.Option("--technology", metavar="T", help="1G … 6G, or mbd: the fastest that covers each device."),
    ] = "4G",
    objective: Annotated[
        str, typer.Option("--objective", metavar="O", help="cost, delay, cost-delay, delay-cost or weighted.")
    ] = "cost",
    usd_per_h_per_s: Annotated[
        float,
        typer.Option(
            "--weight", min=0.0, help="For weighted: dollars an hour that a second of mean delay is worth."
        ),
    ] = 1.0,
    link_rates: Annotated[
        bool, typer.Option("--link-rates", help="Hops between servers send at the link's rate, not the device's.")
    ] = False,
    previous: Annotated[
        Path | None,
        typer.Option("--previous", metavar="PLAN.json", help="Keep most devices where that plan attaches them."),
    ] = None,
    change_s: Annotated[
        float,
        typer.Option("--change", metavar="SECONDS", min=0.0, help="For delay: what a device that changes counts."),
    ] = 0.1,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="For all that is drawn: capacities, prices, delays.")
    ] = 0,
    time_limit_s: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", min=0.0, help="Then the best plan found is taken.")
    ] = 60.0,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the plan as JSON.")] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="FILE", help="Write the instance as JSON, with all that was drawn."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--map", metavar="FILE", help="Draw the plan (.png, .svg or .pdf).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Plan which server serves each device, so that as many as can be are served, at least cost or delay."""
    try:
        from fleet_planner.export import document
        from fleet_planner.network import network
        from fleet_planner.objective import objective as named
        from fleet_planner.planner import plan as make
        from fleet_planner.previous import read_previous
        from fleet_planner.refusal import refusals
        from fleet_planner.replan import kept_frac, replan
        from fleet_planner.technology import scenario
    except ModuleNotFoundError as error:
        raise _without(error) from None
    aim = named(objective)
    scenario(technology)  # before files are read
    if not math.isfinite(usd_per_h_per_s):
        raise ConfigurationError(f"--weight must be a number of dollars, not {usd_per_h_per_s}")
    before = None if previous is None else read_previous(previous)
    try:
        with progress_bar("reading") as tell:
            given = _instance(instance, devices, edges, clouds, city, seed)
            if save is not None:
                _save(given, save)
            tell("who reaches whom", 0.05)
            laid = network(given, technology, seed=seed, link_rates=link_rates)
            with _interruptible():
                if before is None:
                    found = make(
                        laid, aim, time_limit_s=time_limit_s, usd_per_h_per_s=usd_per_h_per_s, progress=tell
                    )
                else:
                    found = replan(laid, before, aim, change_s=change_s, time_limit_s=time_limit_s, progress=tell)
            tell("writing", 0.95)
            kept = None if before is None else kept_frac(found, before)
            written = {**document(found), "kept_frac": kept} if out is not None or as_json else {}
    except ModuleNotFoundError as error:  # scipy and the solver are loaded when they are first used
        raise _without(error) from None
    if out is not None:
        _write(out, json.dumps(written, allow_nan=False) + "\n")
    if picture is not None:
        from fleet_planner.picture import draw

        draw(found, picture)
        typer.echo(f"wrote {picture}", err=True)
    if as_json:
        typer.echo(json.dumps(written, allow_nan=False))
    else:
        if kept is not None:
            typer.echo(f"kept      {100.0 * kept:.1f} % of the devices of both plans at their edge server")
        typer.echo(_summary(found, list(refusals(laid, found.routes))))


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C end the process at once: the solver is not Python, and would keep it waiting until it is done."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _without(error: ModuleNotFoundError) -> Exception:
    name = (error.name or "").partition(".")[0]
    if name not in _NEEDED:
        return error
    return ConfigurationError(
        f"the planner needs {name}, which is not installed: pip install 'offload-sdk[planner]'"
    )


def _instance(
    whole: Path | None, devices: Path | None, edges: Path | None, clouds: Path | None, city: int | None, seed: int
) -> Instance:
    tables = devices is not None or edges is not None or clouds is not None
    if (whole is not None) + tables + (city is not None) != 1:
        raise ConfigurationError("name one of INSTANCE.json, --devices with --edges, and --city")
    if city is not None:
        from fleet_planner.generator import generate

        return generate(city, seed=seed)
    from fleet_planner.reading import read_json, read_tables

    if whole is not None:
        return read_json(whole, seed=seed)
    if devices is None or edges is None:
        raise ConfigurationError("--devices and --edges go together")
    return read_tables(devices, edges, clouds, seed=seed)


def _save(given: Instance, target: Path) -> None:
    from fleet_planner.writing import write_json

    write_json(given, target)
    typer.echo(f"wrote {target}", err=True)


def _write(target: Path, text: str) -> None:
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OffloadError(f"{target} cannot be written: {error.strerror}") from None
    typer.echo(f"wrote {target}", err=True)


def _summary(found: Plan, refused: list[Refusal]) -> str:
    from fleet_planner.routes import active, serving

    network, instance = found.network, found.network.instance
    edges, clouds = len(instance.edges), len(instance.clouds)
    on, server = active(network, found.routes), serving(network, found.routes)
    in_clouds = int((server >= edges).sum())
    share = "" if found.acceptance_frac is None else f" ({100.0 * found.acceptance_frac:.1f} %)"
    most = f"; at most {found.served_bound:,} can be" if found.served_bound > found.served else ""
    if found.status == "optimal":
        proof = "proven optimal"
    elif math.isfinite(found.gap):
        why = "time is over; " if found.status == "time_limit" else ""
        proof = f"{why}at most {100.0 * found.gap:.2f} % of it could be saved"
    else:
        proof = "time is over; nothing is proven yet"
    lines = [
        f"served    {found.served:,} of {len(instance.devices):,} devices{share}{most}",
        f"where     {found.served - in_clouds:,} at edge servers, {in_clouds:,} in clouds",
        f"active    {int((on < edges).sum()):,} of {edges:,} edge servers, "
        f"{int((on >= edges).sum())} of {clouds} clouds",
        f"cost      {found.cost_usd_per_h:,.4f} USD/h",
        f"delay     {'unknown' if found.mean_delay_s is None else milliseconds(found.mean_delay_s)} on average",
        f"{found.aim:<9} {proof}, in {found.solve_s:.2f} s",
    ]
    if refused:
        counts = Counter(each.reason for each in refused)
        lines.append("not served: " + ", ".join(f"{count:,} {reason}" for reason, count in counts.items()))
        for each in refused[:_SHOWN]:
            far = "" if each.nearest_m is None else f", nearest edge server {each.nearest_m:,.0f} m away"
            lines.append(f"  {printable(instance.devices.ids[each.device])}: {each.reason}{far}")
        if len(refused) > _SHOWN:
            lines.append(f"  and {len(refused) - _SHOWN:,} more, all of them in the file of --out")
    return "\n".join(lines)
