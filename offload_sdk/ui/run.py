"""Starts and stops the page's server: socket, uvicorn, signals, what is printed. No route, no model."""

from __future__ import annotations

import contextlib
import logging
import secrets
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn

from offload_sdk._config import OffloadConfig
from offload_sdk.errors import ConfigurationError
from offload_sdk.ui.app import create_app
from offload_sdk.ui.connection import Connection
from offload_sdk.ui.desk import Desk
from offload_sdk.ui.guard import TOKEN_PARAMETER, Guard
from offload_sdk.ui.settings import UiSettings

__all__ = ["PageServer", "serve"]

_uvicorn_logger = logging.getLogger("uvicorn.error")
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_MOST_CONNECTIONS = 64
_PUBLIC = ("0.0.0.0", "::")  # noqa: S104 (to recognise them)


def serve(
    config: OffloadConfig,
    settings: UiSettings,
    *,
    announce: Callable[[str], None],
    warn: Callable[[str], None],
    show: Callable[[str], None] | None = None,
) -> None:
    """Serve the page until SIGINT or SIGTERM.

    `announce` gets the address once it is served, `warn` what its user should know, and `show` is to open it.
    Raises `ConfigurationError` if the address or the certificate cannot be used, and what making an `Offloader`
    raises.
    """
    _check_certificate(settings)
    listener = _listen(settings)
    with contextlib.closing(listener), contextlib.closing(Desk(config)) as desk:
        token = None if settings.is_loopback else secrets.token_urlsafe(24)
        server = PageServer(desk, settings, listener, token=token)

        def started() -> None:
            if token is not None:
                warn(_exposure(settings))
            announce(f"offload-sdk ui on {server.url}  (Ctrl-C stops it)")
            if show is not None:
                show(server.url)

        server.serve_until_told(started)


class PageServer(uvicorn.Server):
    """uvicorn, but a signal ends it at once, and it says when it has started. `url` is the page's address."""

    def __init__(self, desk: Desk, settings: UiSettings, listener: socket.socket, *, token: str | None) -> None:
        port = listener.getsockname()[1]
        secure = settings.scheme == "https"
        guarded = Guard(create_app(desk), token=token, cookie=f"offload-ui-{port}", secure=secure)
        super().__init__(_uvicorn_config(guarded, settings))
        self.url = _url(settings, port, token)
        self._listener = listener
        self._started: Callable[[], None] = lambda: None

    def serve_until_told(self, started: Callable[[], None]) -> None:
        """Serve until a signal comes or `should_exit` is set. `started` is called once connections are taken."""
        self._started = started
        try:
            self.run(sockets=[self._listener])
        finally:
            _uvicorn_logger.disabled = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._started()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.should_exit = self.force_exit = True
        _uvicorn_logger.disabled = True  # that requests are cut short now is no error

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = {number: signal.signal(number, self.handle_exit) for number in _STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)


def _uvicorn_config(app: Guard, settings: UiSettings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_MOST_CONNECTIONS,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )


def _check_certificate(settings: UiSettings) -> None:
    """Load it once in advance: before the model, and for a message of our own."""
    if settings.tls_cert is None or settings.tls_key is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise ConfigurationError(
            f"the certificate {settings.tls_cert} with the key {settings.tls_key} cannot be used: {error}"
        ) from None


def _listen(settings: UiSettings) -> socket.socket:
    """Return a listening socket: before the model is loaded, so that a taken port is one error at once."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    both = settings.host == "::" and socket.has_dualstack_ipv6()  # all addresses, of which `_url` names one
    try:
        return socket.create_server((settings.host, settings.port), family=family, dualstack_ipv6=both)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {settings.host}:{settings.port}: {error.strerror}; "
            "choose another --host or --port (0 takes a free one)"
        ) from None


def _url(settings: UiSettings, port: int, token: str | None) -> str:
    host = _own_address() if settings.host in _PUBLIC else settings.host
    url = f"{settings.scheme}://{f'[{host}]' if ':' in host else host}:{port}/"
    return url if token is None else f"{url}?{TOKEN_PARAMETER}={token}"


def _own_address() -> str:
    """Return the address that this machine has towards others; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # reserved for documentation: it needs a route, and no host
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def _exposure(settings: UiSettings) -> str:
    text = "other machines can reach this page; whoever has the address below, token included, can use this device"
    if settings.scheme == "http":
        text += (
            ". It travels in the clear, and browsers give a camera to https and localhost only: "
            "set --tls-cert and --tls-key"
        )
    return text
