"""`offload-sdk replay`: what another policy would have cost on the images of a log."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from offload_sdk.cli.progress import progress_bar
from offload_sdk.cli.report import parse_since
from offload_sdk.cli.settings import Json, settings

__all__ = ["replay"]


def replay(
    policy: Annotated[str, typer.Option("--policy", metavar="P", help="The policy to try, as in the settings.")],
    log: Annotated[
        Path | None,
        typer.Argument(metavar="[LOG]", help="The log's file.", show_default="the configured one"),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="From 2026-01-31, 2026-01-31T12:00, or 90m, 24h, 7d ago on."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer from a log: what would this policy have cost me? The log is only read, and may be in use."""
    config = settings(policy=policy)
    since_s = None if since is None else parse_since(since, time.time())
    from offload_sdk.decide import policy_by_name
    from offload_sdk.log import read_rows

    records = read_rows(log if log is not None else config.log_path, since_s=since_s)
    from offload_sdk.replay import replay as evaluate
    from offload_sdk.replay.render import answer, facts, notes, plain, rich_tables

    seed = config.seed or 0  # the same log gets the same answer
    with progress_bar("replaying") as tell:
        found = evaluate(
            records,
            policy_by_name(config.policy, **config.auto.model_dump(), rng=random.Random(seed)),
            name=policy,
            timeout_s=config.remote_timeout_s,
            seed=seed,
            progress=tell,
        )
    if as_json:
        typer.echo(json.dumps(found.to_dict()))
    elif not sys.stdout.isatty():
        typer.echo(plain(found))
    else:
        from rich.console import Console

        console = Console(highlight=False)
        console.print(facts(found), markup=False)
        for table in rich_tables(found):
            console.print(table)
        console.print(answer(found), markup=False, style="bold")
        for note in notes(found):
            console.print(note, markup=False, style="dim")
