"""Starts and stops the server: socket, uvicorn, signals. No route, no model."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI

from offload_sdk.errors import ConfigurationError, ModelError
from server_stub.access import FULL
from server_stub.app import create_app
from server_stub.connection import Connection
from server_stub.door import Door
from server_stub.engine import Clock, Loader
from server_stub.logs import configure_logging, logger
from server_stub.pool import Pool, PoolState
from server_stub.reload import Reloader
from server_stub.settings import ServerSettings
from server_stub.telemetry import open_telemetry
from server_stub.tls import tls_contexts

__all__ = ["Server", "listen", "serve"]

_BACKLOG = 1024
_MAX_HEADER_BYTES = 32 * 1024
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_RELOAD_SIGNAL: signal.Signals | None = getattr(signal, "SIGHUP", None)  # Windows has none


def serve(
    settings: ServerSettings,
    *,
    loader: Loader | None = None,
    announce: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True),
) -> None:
    """Serve until SIGINT or SIGTERM, then finish what is in flight within `settings.drain_s` and return.

    A second signal ends the process at once. SIGHUP loads the model anew. `announce` gets one line with the
    address as soon as the model is loaded; health can be asked before. `loader` replaces the model that the
    settings name. Raises `ConfigurationError` if the address cannot be had and `ModelError` if the model cannot be
    loaded.
    """
    configure_logging()
    listener = listen(settings)
    host, port = listener.getsockname()[:2]
    scheme = "http" if settings.tls_cert is None else "https"
    url = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
    if not settings.is_loopback and not settings.is_guarded:
        logger.warning("no token is set: whoever reaches %s can use this server; set one with --token-file", url)

    def on_state(state: PoolState) -> None:
        if state == "ready":
            workers = f"{settings.workers} worker{'s' if settings.workers > 1 else ''}"
            announce(f"offload-sdk server ready on {url} (model {pool.model}, {workers})")

    telemetry = open_telemetry() if settings.telemetry else None
    app = create_app(settings, loader or _model_loader(settings), on_state=on_state, telemetry=telemetry)
    pool: Pool = app.state.pool
    server = Server(app, settings)
    try:
        server.run(sockets=[listener])
    finally:
        listener.close()
        if telemetry is not None:
            telemetry.close()
    if pool.error is not None:
        assert isinstance(pool.error, ModelError)
        raise pool.error


def _model_loader(settings: ServerSettings) -> Loader:
    from server_stub.model_engine import model_loader

    return model_loader(settings)


def _uvicorn_config(app: FastAPI, settings: ServerSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,  # on h11: httptools is faster, but it puts no bound on the bytes of a request's head
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        server_header=False,
        timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=math.ceil(settings.drain_s),
        h11_max_incomplete_event_size=_MAX_HEADER_BYTES,
        workers=1,
    )


def listen(settings: ServerSettings) -> socket.socket:
    """Return a listening socket: early, so that a taken port is one clear error and port 0 is known."""
    address = f"{settings.host}:{settings.port}"
    listener: socket.socket | None = None
    try:
        family, kind, protocol, _, target = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        if sys.platform != "win32":  # there the option would let two servers share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(target)
        listener.listen(_BACKLOG)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise ConfigurationError(
            f"cannot listen on {address}: {error.strerror}; choose another --host or --port (0 takes a free one)"
        ) from None
    return listener


class Server(uvicorn.Server):
    """uvicorn, but at a signal what is in flight ends first, while new requests are told to go elsewhere, and the
    exit status is 0; it ends if the model cannot be loaded; and connections come in by our own door. Raises
    `ConfigurationError` if the certificate or the key cannot be used."""

    def __init__(self, app: FastAPI, settings: ServerSettings, *, clock: Clock = time.monotonic) -> None:
        super().__init__(_uvicorn_config(app, settings))
        self._pool: Pool = app.state.pool
        self._reloader: Reloader = app.state.reloader
        self._drain_s = settings.drain_s
        self._stop_at_s: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._clock = clock
        self._settings = settings
        self._tls = tls_contexts(settings, clock)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        assert sockets is not None
        await super().startup(sockets=[])
        # Duplicates, as uvicorn closes its own while the doors still wait at them.
        doors = [self._door(listener.dup()) for listener in sockets]
        self.servers = doors  # type: ignore[assignment]  # it only closes them
        for door in doors:
            door.open()

    def _door(self, listener: socket.socket) -> Door:
        settings = self._settings

        def make(on_lost: Callable[[], object], full: bool) -> Connection:
            return Connection(
                self.config,
                self.server_state,
                {**self.lifespan.state, FULL: full},
                head_timeout_s=settings.head_timeout_s,
                on_lost=on_lost,
            )

        return Door(
            listener,
            make,
            tls=self._tls,
            max_connections=settings.max_connections,
            handshake_timeout_s=settings.head_timeout_s,
        )

    async def on_tick(self, counter: int) -> bool:
        self._loop = asyncio.get_running_loop()
        if self._stop_at_s is not None:
            left_s = self._stop_at_s - self._clock()
            if left_s <= 0.0 or self._pool.occupancy().in_flight == 0:
                self.config.timeout_graceful_shutdown = max(0, math.ceil(left_s))  # for answers on their way out
                return True
        return await super().on_tick(counter) or self._pool.state == "failed"

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {number: signal.signal(number, self._stop) for number in _STOP_SIGNALS}
        if _RELOAD_SIGNAL is not None:
            previous[_RELOAD_SIGNAL] = signal.signal(_RELOAD_SIGNAL, self._reload)
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stop_at_s = self._clock() + self._drain_s
        self._pool.drain()
        for other in _STOP_SIGNALS:  # the next one ends the process
            signal.signal(other, signal.SIG_DFL)

    def _reload(self, number: int, frame: FrameType | None) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._reloader.ask)
