"""Both servers, a link for each client, and the clients: started for a run, ended after it. Measures nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.experiment.clients import Client, Prototype, sdk_device
from benchmarks.experiment.device import MODEL, DeviceSpec
from benchmarks.experiment.links import Link
from benchmarks.server.payloads import payloads
from benchmarks.server.stack import running
from benchmarks.server.stacks import flask_keras, keras_models, ours
from offload_sdk.model import resolve

__all__ = ["AUTO", "PROTOTYPE", "REMOTE", "SLOW_AUTO", "clients"]

PROTOTYPE = "prototype"
REMOTE = "SDK, remote"
AUTO = "SDK, auto"
SLOW_AUTO = "SDK, auto, slow board"


@contextmanager
def clients(link: Link, *, slow: bool, tell: Callable[[str], None]) -> Iterator[list[Client]]:
    """All clients, ready. `slow` adds one on a slow board. Raises `Unavailable` without the prototype's server."""
    home = Path(tempfile.gettempdir()) / "offload-sdk-benchmarks"
    home.mkdir(exist_ok=True)
    sent = payloads()
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        tell("starting Flask + Keras")
        keras, _ = keras_models(home, sent)
        theirs = stack.enter_context(running(flask_keras(keras, sent), logs / "flask.txt"))
        tell("starting the SDK's server")
        resolve(MODEL, home / "models")
        own = stack.enter_context(running(ours(MODEL, home, sent, 1), logs / "server.txt"))
        found: list[Client] = [Prototype(PROTOTYPE, stack.enter_context(link.open_to(theirs.port)))]
        devices = {REMOTE: False, AUTO: False} | ({SLOW_AUTO: True} if slow else {})
        for name, slowly in devices.items():
            tell(f"starting {name}")
            own_link = stack.enter_context(link.open_to(own.port))
            spec = DeviceSpec(
                name=name,
                policy="remote" if name == REMOTE else "auto",
                url=own_link.url,
                home=home,
                log=logs / f"{len(found)}.sqlite3",
                slow=slowly,
            )
            found.append(stack.enter_context(sdk_device(spec, own_link)))
        yield found
