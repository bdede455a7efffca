"""Puts the commands together and maps errors to exit statuses. No command's work is done here."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from offload_sdk._version import __version__
from offload_sdk.cli import (
    baseline,
    calibrate,
    classify,
    cost,
    demand,
    demo,
    doctor,
    models,
    plan,
    replay,
    report,
    serve,
    status,
    ui,
    workload,
)
from offload_sdk.errors import ConfigurationError, OffloadError

__all__ = ["app"]

FAILED, WRONG_USAGE, INTERRUPTED = 1, 2, 130


class _Commands(TyperGroup):
    """Turns what a command raises into one line on stderr and a status; no traceback for an expected error."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ConfigurationError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(WRONG_USAGE) from None
        except OffloadError as error:
            typer.echo(f"error: {error}", err=True)
            raise typer.Exit(FAILED) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            # The output cannot be written. What is still buffered of it must not raise once more at exit.
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            if not isinstance(error, BrokenPipeError):  # then whoever read it has gone, as `head` does
                typer.echo(f"error: {error.strerror or error}", err=True)
            raise typer.Exit(FAILED) from None


app = typer.Typer(
    cls=_Commands,
    help="Classify every image on the device or in the cloud, whichever is better right now.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # help in colours would double the time of every --help
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="classify")(classify.classify)
app.command(name="calibrate")(calibrate.calibrate)
app.command(name="baseline")(baseline.baseline)
app.command(name="status")(status.status)
app.add_typer(models.app, name="models")
app.command(  # the server parses its own options, as it also runs without this command line
    name="serve",
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
)(serve.serve)
app.command(name="report")(report.report)
app.command(name="replay")(replay.replay)
app.command(name="plan")(plan.plan)
app.command(name="demand")(demand.demand)
app.command(name="cost")(cost.cost)
app.command(name="doctor")(doctor.doctor)
app.command(name="workload")(workload.workload)
app.command(name="demo")(demo.demo)
app.command(name="ui")(ui.ui)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname.lower()}: {record.getMessage()}"


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"offload-sdk {__version__}")
        raise typer.Exit


@app.callback()
def _prepare(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    for stream in (sys.stdout, sys.stderr):
        # A file name that the terminal's encoding lacks is shown with escapes instead of ending the command.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    logger = logging.getLogger("offload_sdk")
    if not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(_Lines())
        logger.addHandler(handler)
        logger.propagate = False
