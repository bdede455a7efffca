"""The server's settings, each with its default, bounds and meaning. Nothing here reads the environment, a file or
the command line; `options` does, and what stands here is all it knows of a setting."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from offload_sdk._cores import usable_cores
from offload_sdk.errors import ConfigurationError

__all__ = ["RequestLogging", "ServerSettings"]

RequestLogging = Literal["errors", "all", "none"]


def _setting(
    default: Any, meaning: str, *, least: float | None = None, most: float | None = None, shown: bool = True
) -> Any:
    """Return a dataclass field; `default` may be a function that makes the value."""
    metadata = {"meaning": meaning, "least": least, "most": most}
    if callable(default):
        return field(default_factory=default, metadata=metadata, repr=shown)
    return field(default=default, metadata=metadata, repr=shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How the server runs. Raises `ConfigurationError` naming the wrong value.

    Each field is an option of the command line, `--queue-bound`, and a variable, `OFFLOAD_SERVER_QUEUE_BOUND`.
    """

    host: str = _setting("127.0.0.1", "address to listen on; 0.0.0.0 lets other machines in")
    port: int = _setting(8080, "0 takes a free one", least=0, most=65535)
    model: str = _setting("auto", "a name of the catalogue, auto, or the path of a .tflite")
    models_dir: Path | None = _setting(None, "where models are kept; by default in OFFLOAD_HOME")
    tokens: tuple[str, ...] = _setting(
        (),
        "ask clients for one of these; without any, whoever reaches the server can use it. Better set "
        "OFFLOAD_TOKEN, which other users of the machine cannot read off the process list",
        shown=False,
    )
    token_file: Path | None = _setting(
        None,
        "hashes of the clients' tokens, read again when it changes; python -m server_stub.add_token makes one",
    )
    rate_per_s: float | None = _setting(
        None,
        "requests a second that a client may send, by its token's name or else its address; by default any number",
        least=0.001,
        most=1e6,
    )
    rate_burst: int = _setting(20, "... and so many at once", least=1)
    # Lower than on the device: each worker decodes one at the same time, at 3 bytes a pixel or more.
    max_pixels: int = _setting(24_000_000, "larger pictures are refused before they are decoded", least=1)
    max_body_bytes: int = _setting(16 * 1024 * 1024, "larger request bodies are refused", least=1)
    max_inflight_bytes: int = _setting(
        64 * 1024 * 1024,
        "bodies that arrive, wait or are worked on are together no larger; many workers for large pictures "
        "need more",
    )
    workers: int = _setting(
        usable_cores, "threads with one interpreter each; by default one per core", least=1, most=256
    )
    queue_bound: int = _setting(
        64, "so many requests may wait for the workers; under lasting overload fewer may", least=0
    )
    scheduler: str | None = _setting(None, "who of them is next; a name that does not exist lists those that do")
    repeat_s: float = _setting(
        30.0, "a request that comes again under the same id within this time gets the same answer", least=0
    )
    repeat_answers: int = _setting(1000, "so many answers are kept for that", least=0)
    repeat_bytes: int = _setting(4 * 1024 * 1024, "... and together no larger", least=0)
    infer_timeout_s: float = _setting(
        30.0, "a worker that takes longer for a picture counts as hung and is replaced", least=0.001
    )
    body_timeout_s: float = _setting(30.0, "a body must have arrived within this time", least=0.001)
    drain_s: float = _setting(
        10.0, "what is in flight when the server is told to stop has so long to end", least=0
    )
    # Longer than the 55 s for which devices keep an idle connection, so that it is the device that closes it.
    keep_alive_s: int = _setting(75, "idle connections are closed after this time", least=1)
    head_timeout_s: float = _setting(
        10.0,
        "within this time a TLS handshake must have ended, a request's head have come, an answer be taken",
        least=0.001,
    )
    max_connections: int = _setting(
        512,
        "when so many are open, an idle one is closed for each new one; if all work, the new one gets 503",
        least=1,
    )
    tls_cert: Path | None = _setting(
        None, "certificate chain in PEM form: the server speaks HTTPS; read again when it changes"
    )
    tls_key: Path | None = _setting(None, "its private key, without a password")
    tls_client_ca: Path | None = _setting(None, "take only clients with a certificate of this authority")
    trusted_proxies: tuple[str, ...] = _setting(
        (), "addresses and networks of proxies whose X-Forwarded-For is believed"
    )
    cors_origins: tuple[str, ...] = _setting((), "web origins whose scripts may call the server")
    page: bool = _setting(True, "serve a web page at /ui/ that classifies pictures here")
    log_requests: RequestLogging = _setting("errors", "which requests get a line in the log: all, errors or none")
    telemetry: bool = _setting(
        False, "send spans by OTLP over HTTP; on when OpenTelemetry's own variables, OTEL_..., say where to"
    )
    require_digest: bool = _setting(False, "refuse bodies that come without a Content-Digest")
    public_metrics: bool = _setting(False, "let /metrics be read without a token")

    def __post_init__(self) -> None:
        for each in fields(self):
            value, least, most = getattr(self, each.name), each.metadata["least"], each.metadata["most"]
            if value is None or least is None:
                continue
            if not math.isfinite(value) or value < least or (most is not None and value > most):
                limits = f"at least {least}" if most is None else f"{least} to {most}"
                raise ConfigurationError(f"{each.name} is {value}; it must be {limits}")
        if self.max_inflight_bytes < self.max_body_bytes:
            raise ConfigurationError(
                f"max_inflight_bytes is {self.max_inflight_bytes}; it must be at least max_body_bytes, "
                f"{self.max_body_bytes}"
            )
        if not self.host:
            raise ConfigurationError("host is empty; give an address such as 127.0.0.1 or 0.0.0.0")
        if any(
            not token or not token.isascii() or not token.isprintable() or " " in token for token in self.tokens
        ):
            raise ConfigurationError("a token must be printable ASCII without spaces, and not empty")
        if odd := [origin for origin in self.cors_origins if not _is_origin(origin)]:
            raise ConfigurationError(
                f"cors_origins has {odd[0]!r}; an origin is *, or as a browser sends it: https://HOST or https://HOST:PORT"
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigurationError("tls_cert and tls_key belong together; give both or none")
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ConfigurationError("tls_client_ca asks for certificates over TLS; give tls_cert and tls_key too")
        try:
            [ipaddress.ip_network(proxy) for proxy in self.trusted_proxies]
        except ValueError as error:
            raise ConfigurationError(
                f"trusted_proxies must be addresses and networks such as 10.0.0.0/8: {error}"
            ) from None

    @property
    def is_guarded(self) -> bool:
        """Whether clients need a token or a certificate."""
        return bool(self.tokens) or self.token_file is not None or self.tls_client_ca is not None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the address; not so for a name that merely looks like it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


def _is_origin(text: str) -> bool:
    """Whether it is `*` or what a browser sends as `Origin` of a page: scheme, host and, unless usual, port."""
    if text == "*":
        return True
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    usual = {"http": 80, "https": 443}
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return (
        parts.scheme in usual
        and bool(host)
        and "*" not in text
        and text == f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")
        and port != usual[parts.scheme]
    )
