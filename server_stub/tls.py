"""The server's TLS: certificate, key, whose client certificates are taken. No sockets."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Callable
from pathlib import Path

from offload_sdk.errors import ConfigurationError
from server_stub.engine import Clock
from server_stub.settings import ServerSettings
from server_stub.watched import Watched, warn_of_others

__all__ = ["server_context", "tls_contexts"]


def tls_contexts(settings: ServerSettings, clock: Clock) -> Callable[[], ssl.SSLContext | None]:
    """Return what gives the context for the next connection: always None without a certificate, and a new one
    after the files have changed, so that a renewed certificate needs no restart. Raises `ConfigurationError`."""
    certificate, key, client_ca = settings.tls_cert, settings.tls_key, settings.tls_client_ca
    if certificate is None or key is None:
        return lambda: None
    warn_of_others(key, may=stat.S_IROTH | stat.S_IWOTH)
    files = [path for path in (certificate, key, client_ca) if path is not None]
    return Watched(files, lambda: server_context(certificate, key, client_ca), clock=clock).get


def server_context(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """Return a context for TLS 1.2 and later; with `client_ca` a client needs a certificate of that authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        raise ConfigurationError(
            f"the certificate {certificate} with the key {key} cannot be used: {_words(error)}"
        ) from None
    if client_ca is not None:
        try:
            context.load_verify_locations(client_ca)
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"the client authority {client_ca} cannot be used: {_words(error)}") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _no_password() -> str:
    raise ValueError("the key needs a password, and nobody is there to type it; store it without one")


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        if error.reason == "KEY_VALUES_MISMATCH":
            return "the key belongs to another certificate"
        return "it is not in PEM form"
    return getattr(error, "strerror", None) or str(error)
