"""The server's settings, validated. Nothing here reads the environment, a file or the command line."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from offload_sdk._cores import usable_cores
from offload_sdk.errors import ConfigurationError

__all__ = ["ServerSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How the server runs. Raises `ConfigurationError` naming the wrong value.

    `port` 0 takes a free port. `model` is a name of the catalogue, `auto`, or the path of a `.tflite`, and
    `models_dir` the folder where models are kept. Without `tokens` or a `token_file`, which is read again when it
    changes, the server is open to whoever reaches it. Each client, by its token's name or else by its address,
    may send `rate_per_s` requests a second, and `rate_burst` at once; None sets no rate.
    `max_body_bytes` bounds the whole request body, `max_pixels` width times height of a picture before it is
    decoded: lower than on the device, since each worker decodes one at the same time, at 3 bytes a pixel or
    more. Bodies that arrive, wait or are worked on are together at most `max_inflight_bytes`; many workers for
    large pictures need more than the default. `workers` threads run one interpreter each; up to `queue_bound`
    requests wait for them. A body must have arrived within `body_timeout_s`. `drain_s` bounds the shutdown.
    `cors_origins` lists the web origins whose scripts may call the server; none by default. `keep_alive_s` is
    longer than the 55 s for which devices keep an idle connection, so that it is the device that closes it.
    While more than `max_connections` are open, idle ones among them, every request is answered 503.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    model: str = "auto"
    models_dir: Path | None = None
    tokens: tuple[str, ...] = field(default=(), repr=False)
    token_file: Path | None = None
    rate_per_s: float | None = None
    rate_burst: int = 20
    max_body_bytes: int = 16 * 1024 * 1024
    max_inflight_bytes: int = 64 * 1024 * 1024
    max_pixels: int = 24_000_000
    workers: int = field(default_factory=usable_cores)
    queue_bound: int = 64
    body_timeout_s: float = 30.0
    drain_s: float = 10.0
    keep_alive_s: int = 75
    max_connections: int = 512
    cors_origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, low, high in (
            ("port", 0, 65535),
            ("rate_per_s", 0.001, 1e6),
            ("rate_burst", 1, None),
            ("max_body_bytes", 1, None),
            ("max_pixels", 1, None),
            ("workers", 1, 256),
            ("queue_bound", 0, None),
            ("body_timeout_s", 0.001, None),
            ("drain_s", 0, None),
            ("keep_alive_s", 1, None),
            ("max_connections", 1, None),
        ):
            value = getattr(self, name)
            if value is None:
                continue
            if value < low or (high is not None and value > high):
                limits = f"at least {low}" if high is None else f"{low} to {high}"
                raise ConfigurationError(f"{name} is {value}; it must be {limits}")
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

    @property
    def is_guarded(self) -> bool:
        """Whether clients need a token."""
        return bool(self.tokens) or self.token_file is not None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the address; not so for a name that merely looks like it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"
