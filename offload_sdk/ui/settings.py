"""How the page is served, checked. Reads nothing."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from offload_sdk.errors import ConfigurationError

__all__ = ["UiSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UiSettings:
    """Where to listen, with which certificate. Raises `ConfigurationError` naming the wrong value."""

    host: str = "127.0.0.1"
    port: int = 8000
    tls_cert: Path | None = None
    tls_key: Path | None = None

    def __post_init__(self) -> None:
        if not self.host:
            raise ConfigurationError("--host is empty; give an address such as 127.0.0.1 or 0.0.0.0")
        if not 0 <= self.port <= 65535:
            raise ConfigurationError(f"--port is {self.port}; it must be 0 to 65535")
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ConfigurationError("--tls-cert and --tls-key belong together; give both or none")

    @property
    def scheme(self) -> str:
        return "http" if self.tls_cert is None else "https"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"
