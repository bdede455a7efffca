"""One HTTP exchange that can be timed and ended from outside. The only file that knows requests and urllib3."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from offload_sdk._version import __version__
from offload_sdk.digest import DIGEST_HEADER, DigestCheck, format_digest, parse_digests
from offload_sdk.errors import ConfigurationError, RemoteError

__all__ = ["Exchange", "HttpSession", "Reply"]

_MOST_ERROR_CHARS = 300  # a cause may quote what the server sent
_CURRENT = threading.local()  # `.exchange`: what the connections used in this thread belong to


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole response: status, headers (case-insensitive) and at most the allowed bytes of its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Exchange:
    """One request on its way: notes when a connection was opened, and can be ended from another thread.

    A socket's own timeout starts anew with every byte, so it cannot bound a whole exchange; ending the
    connection from outside does.
    """

    def __init__(self) -> None:
        self.connect_s: float | None = None  # None: a pooled connection served
        self._connection: HTTPConnection | None = None
        self._ended = False
        self._lock = threading.Lock()

    @property
    def reused(self) -> bool:
        """Whether a pooled connection served (true also before any was used)."""
        return self.connect_s is None

    def end(self) -> None:
        """Shut the connection down, whatever it is doing; a connection made later is shut down at once."""
        with self._lock:
            self._ended = True
            connection = self._connection
        if connection is not None:
            _shut_down(connection)

    @property
    def ended(self) -> bool:
        return self._ended

    def using(self, connection: HTTPConnection) -> None:
        with self._lock:
            self._connection = connection
            ended = self._ended
        if ended:
            _shut_down(connection)

    def release(self) -> None:
        """Let go of the connection: it may serve another exchange now and must not be ended for this one."""
        with self._lock:
            self._connection = None


def _shut_down(connection: HTTPConnection) -> None:
    sock = connection.sock
    if sock is None:
        return
    # Not close(): that would free the descriptor under a thread that is blocked on it.
    # And not the method of a TLS socket: it drops the encryption first, under a thread that may be sending.
    with contextlib.suppress(OSError, ValueError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Noting:
    """Mixed into urllib3's connections: tells the thread's current exchange of connects and uses."""

    def connect(self) -> None:
        exchange: Exchange | None = getattr(_CURRENT, "exchange", None)
        started_s = time.perf_counter()
        super().connect()  # type: ignore[misc]  # of the urllib3 class this is mixed into
        if exchange is not None:
            exchange.connect_s = time.perf_counter() - started_s
            exchange.using(self)  # type: ignore[arg-type]

    def request(self, *args: Any, **kwargs: Any) -> None:
        exchange: Exchange | None = getattr(_CURRENT, "exchange", None)
        if exchange is not None and self.sock is not None:  # type: ignore[attr-defined]
            exchange.using(self)  # type: ignore[arg-type]
        super().request(*args, **kwargs)  # type: ignore[misc]


class _NotingHttp(_Noting, HTTPConnection):
    pass


class _NotingHttps(_Noting, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _NotingHttp


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _NotingHttps


_POOLS: dict[str, type[HTTPConnectionPool]] = {"http": _HttpPool, "https": _HttpsPool}


class _Adapter(HTTPAdapter):
    """Makes noting connections, also on the way to a proxy."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class HttpSession:
    """A pooled `requests.Session` for one endpoint: no cookies, no redirects, no retries of its own.

    Certificates are verified, against `ca_bundle` or the bundle that `REQUESTS_CA_BUNDLE` names or the
    default one. `certificate`, its file and that of its key, is shown to a server that asks for one. Proxies
    are taken from the environment once. A `.netrc` is not read: it would replace the token. Raises
    `ConfigurationError` if certificate and key cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None,
        ca_bundle: Path | None,
        certificate: tuple[Path, Path] | None = None,
        connections: int,
    ) -> None:
        self._session = requests.Session()
        environment = self._session.merge_environment_settings(base_url, {}, True, None, None)
        self._session.trust_env = False
        self._session.proxies = dict(environment["proxies"])
        self._session.verify = str(ca_bundle) if ca_bundle is not None else environment["verify"]
        if certificate is not None:
            _check_certificate(*certificate)
            self._session.cert = (str(certificate[0]), str(certificate[1]))
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.clear()
        self._session.headers.update({"User-Agent": f"offload-sdk/{__version__}", "Accept": "application/json"})
        if token is not None:
            self._session.headers["Authorization"] = f"Bearer {token}"
        self._adapter = _Adapter(pool_connections=1, pool_maxsize=connections, max_retries=0, pool_block=False)
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)
        self._base_url = base_url
        self._secure = base_url.lower().startswith("https:")

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        connect_timeout_s: float,
        read_timeout_s: float | None,
        max_bytes: int,
        exchange: Exchange,
    ) -> Reply:
        """Send one request and read the whole answer. Raises `RemoteError`; never retries.

        A body goes with its digest, and an answer that comes with one is checked against it.
        """
        sealed = {} if body is None else {DIGEST_HEADER: format_digest(body)}
        _CURRENT.exchange = exchange
        answered = False
        try:
            response = self._session.request(
                method,
                self._base_url + path,
                headers={**(headers or {}), **sealed},
                data=body,
                timeout=(connect_timeout_s, read_timeout_s),
                allow_redirects=False,
                stream=True,
            )
            answered = True
            try:
                if response.headers.get("Content-Encoding", "identity") != "identity":
                    raise RemoteError("the answer is compressed, which was not asked for", kind="protocol")
                content = b""
                while part := response.raw.read(max_bytes + 1 - len(content), decode_content=False):
                    content += part
                    if len(content) > max_bytes:
                        raise RemoteError(f"the answer is larger than {max_bytes} bytes", kind="protocol")
                _check_digest(response.headers.get(DIGEST_HEADER), content)
                return Reply(status=response.status_code, headers=response.headers, body=content)
            finally:
                exchange.release()
                response.close()
        except RemoteError:
            raise
        except Exception as error:  # requests, urllib3, http.client, ssl and socket each have a tree of their own
            mapped = _mapped(error)
            if not (exchange.reused or exchange.ended or answered) and self._secure and mapped.kind != "timeout":
                # With TLS 1.3 a server judges the client's certificate only after what the client takes for the
                # handshake, and its alert is lost if it crosses the request.
                raise RemoteError(
                    f"the server hung up after the TLS handshake ({mapped}); if it asks for a client certificate, "
                    "client_cert is missing, expired or of another authority",
                    kind="connect",
                ) from error
            raise mapped from error
        finally:
            _CURRENT.exchange = None

    def forget_connections(self) -> None:
        """Close the idle connections of the pool, so that the next request opens a new one."""
        self._adapter.poolmanager.clear()

    def close(self) -> None:
        self._session.close()


def _check_certificate(certificate: Path, key: Path) -> None:
    """Raise `ConfigurationError` now, rather than fail with each request, or ask a terminal for a password."""

    def no_password() -> str:
        raise ValueError("the key needs a password; store it without one")

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(certificate, key, password=no_password)
    except (OSError, ValueError) as error:
        reason = (
            "they do not fit together or are not in PEM form" if isinstance(error, ssl.SSLError) else str(error)
        )
        raise ConfigurationError(f"client_cert {certificate} with client_key {key}: {reason}") from None


def _check_digest(announced: str | None, content: bytes) -> None:
    try:
        check = DigestCheck(parse_digests(announced or ""))
    except ValueError as error:
        raise RemoteError(f"the answer's {DIGEST_HEADER} cannot be read: {error}", kind="integrity") from None
    check.update(content)
    if not check.holds:
        raise RemoteError(
            f"the answer was changed on the way: it is not what its {DIGEST_HEADER} says", kind="integrity"
        )


def _mapped(error: Exception) -> RemoteError:
    """Return the `RemoteError` for a foreign exception, with the innermost cause in words."""
    if isinstance(error, requests.exceptions.InvalidHeader):
        return RemoteError("a header of the request is not valid", kind="protocol")  # its value may be the token
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None and inner is not cause:
        cause = inner
    words = f"{type(cause).__name__}: {cause}"[:_MOST_ERROR_CHARS] if str(cause) else type(cause).__name__
    if isinstance(error, requests.exceptions.SSLError) or isinstance(cause, ssl.SSLError):
        return RemoteError(f"the server's certificate was not accepted or TLS failed: {words}", kind="connect")
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return RemoteError(f"no connection: {words}", kind="connect")
    if isinstance(error, requests.exceptions.Timeout) or isinstance(cause, TimeoutError):
        return RemoteError(f"no answer in time: {words}", kind="timeout")
    if isinstance(cause, ConnectionRefusedError | socket.gaierror) or "NewConnection" in repr(error):
        return RemoteError(f"no connection: {words}", kind="connect")
    return RemoteError(f"the connection broke: {words}", kind="broken")
