"""`offload-sdk doctor`: looks at everything that can be wrong, and says what to do about it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from offload_sdk.cli.findings import Finding, ok, problem, warning
from offload_sdk.cli.settings import Json, Server, settings
from offload_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from offload_sdk._config import OffloadConfig

__all__ = ["doctor"]

_MARKS = {"ok": "ok      ", "warning": "warning ", "problem": "PROBLEM "}
_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}


def doctor(as_json: Json = False, server: Server = None) -> None:
    """Check Python, runtime, model, folders, profile, log, clock, heat and every endpoint.

    Exit status 1 when there is a problem; warnings alone leave it 0.
    """
    failed = warned = 0
    for finding in _findings(server):
        failed += finding.level == "problem"
        warned += finding.level == "warning"
        if as_json:
            print(json.dumps(finding.to_dict()), flush=True)
        else:
            _print(finding)
    if not as_json:
        typer.echo(f"{failed} problem{'' if failed == 1 else 's'}, {warned} warning{'' if warned == 1 else 's'}")
    if failed:
        raise typer.Exit(1)


def _findings(server: str | None) -> Iterator[Finding]:
    from offload_sdk._config import unknown_variables
    from offload_sdk.cli import check_device
    from server_stub.options import variables

    yield check_device.check_python()
    yield check_device.check_runtime()
    try:
        config = settings(server=server)
    except ConfigurationError as error:
        yield problem("settings", str(error), "correct the setting; the other checks need it")
        return
    yield ok("settings", f"policy {config.policy}, model {config.model}")
    for name in unknown_variables(variables()):
        yield warning("settings", f"{name} is set, but there is no such setting", "correct its name or unset it")
    yield from _of_device(config)
    if not config.all_endpoints:
        yield ok("endpoints", "none: every image is classified on the device (OFFLOAD_SERVER_URL sets one)")
    for endpoint in config.all_endpoints:
        from offload_sdk.cli.check_endpoint import check_endpoint

        yield from check_endpoint(endpoint, clock=time.monotonic, wall=time.time)


def _of_device(config: OffloadConfig) -> Iterator[Finding]:
    from offload_sdk.cli import check_device
    from offload_sdk.measure.device import Device

    yield check_device.check_home(config.home)
    yield check_device.check_disk(config)
    yield check_device.check_model(config)
    yield from check_device.check_profile(config)
    yield from check_device.check_log(config)
    if config.redact is not None:
        yield check_device.check_redaction(config.redact)
    yield check_device.check_clock(time.time())
    yield check_device.check_heat(Device().read())


def _print(finding: Finding) -> None:
    mark = _MARKS[finding.level]
    if sys.stdout.isatty():
        mark = typer.style(mark, fg=_COLOURS[finding.level], bold=finding.level != "ok")
    typer.echo(f"{mark}{finding.check}: {finding.message}")
    if finding.advice is not None:
        typer.echo(f"          {finding.advice}")
