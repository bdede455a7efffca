"""The servers of the page, the device's and the cloud's, each in a thread on a free loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offload_kit import PATIENCE_S, QUICK, give_model, until

from offload_sdk import OffloadConfig
from offload_sdk.ui.desk import Desk
from offload_sdk.ui.run import PageServer
from offload_sdk.ui.settings import UiSettings

INSECURE_HOST = "device.test"
"""A name that leads to this machine and that a browser does not take for it, so that it grants no camera."""


def run_apart(main: Coroutine[Any, Any, None]) -> None:
    """Run it in a thread of its own: the browser's driver has a loop running in this one."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(asyncio.run, main).result()


@dataclass
class LivePage:
    """`url` ends in a slash, and in the token where there is one."""

    url: str
    port: int
    desk: Desk

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def page_for(
    home: Path, *urls: str, token: str | None = None, listener: socket.socket | None = None, **values: Any
) -> Iterator[LivePage]:
    """Serve the page for a device with the offline model and these endpoints."""
    endpoints = [{"name": name, "url": url} for name, url in zip(("edge", "cloud"), urls, strict=False)]
    config = OffloadConfig(**{**QUICK, "home": give_model(home), "endpoints": endpoints, **values})
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(listener or socket.create_server(("127.0.0.1", 0))))
        desk = stack.enter_context(contextlib.closing(Desk(config)))
        server = PageServer(desk, UiSettings(), listener, token=token)
        ready = threading.Event()
        thread = threading.Thread(target=server.serve_until_told, args=(ready.set,), daemon=True)
        thread.start()
        assert ready.wait(PATIENCE_S)
        yield LivePage(server.url, listener.getsockname()[1], desk)
        server.handle_exit(0, None)
        thread.join(PATIENCE_S)
        assert not thread.is_alive()


@contextlib.contextmanager
def model_server(home: Path, **values: Any) -> Iterator[str]:
    """Run our server with the offline model in a thread; yield its URL."""
    from server_stub.app import create_app
    from server_stub.model_engine import model_loader
    from server_stub.run import Server, listen
    from server_stub.settings import ServerSettings

    chosen = {"port": 0, "workers": 1, "drain_s": 0.0, "model": "efficientnet_lite0", **values}
    settings = ServerSettings(models_dir=give_model(home) / "models", **chosen)
    listener = listen(settings)
    app = create_app(settings, model_loader(settings))
    server = Server(app, settings)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    until(lambda: app.state.pool.state == "ready", "the server is ready")
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
