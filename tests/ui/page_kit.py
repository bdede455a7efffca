"""A page's server in a thread on a free loopback port. Makes objects; asserts nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from offload_kit import PATIENCE_S, QUICK, give_model

from offload_sdk import OffloadConfig
from offload_sdk.ui.desk import Desk
from offload_sdk.ui.run import PageServer
from offload_sdk.ui.settings import UiSettings


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
def page_for(home: Path, *urls: str, token: str | None = None, **values: Any) -> Iterator[LivePage]:
    """Serve the page for a device with the offline model and these endpoints."""
    endpoints = [{"name": name, "url": url} for name, url in zip(("edge", "cloud"), urls, strict=False)]
    config = OffloadConfig(**{**QUICK, "home": give_model(home), "endpoints": endpoints, **values})
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(socket.create_server(("127.0.0.1", 0))))
        desk = stack.enter_context(contextlib.closing(Desk(config)))
        server = PageServer(desk, UiSettings(), listener, token=token)
        ready = threading.Event()
        thread = threading.Thread(target=server.serve_until_told, args=(ready.set,), daemon=True)
        thread.start()
        assert ready.wait(PATIENCE_S)
        yield LivePage(server.url, listener.getsockname()[1], desk)
        server.should_exit = True
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
