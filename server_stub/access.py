"""The ASGI layer that asks for a token and keeps the rate, before any route. What is not listed here as open is
closed, so that a new route is guarded without a thought. Reads no body."""

from __future__ import annotations

import math
import stat

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from offload_sdk.wire import HEALTH_PATH
from offload_sdk.wire_open_inference import LIVE_PATH, READY_PATH
from server_stub.answers import problem_response
from server_stub.auth import TokenGuard
from server_stub.engine import Clock
from server_stub.head import check_head
from server_stub.metrics import METRICS_PATH
from server_stub.pages import DOCS_ASSETS_PATH, DOCS_PATH, OPENAPI_PATH, PAGE_PATH
from server_stub.problems import RequestError
from server_stub.rates import Rates, client_of_address
from server_stub.served import notes_of
from server_stub.settings import ServerSettings
from server_stub.tokens import hashed, read_tokens
from server_stub.watched import Watched, warn_of_others

__all__ = ["FULL", "Access", "client_of", "rates", "token_guard"]

FULL = "offload.full"
"""Key of the connection's state (`scope["state"]`): whether there was no room for it, so that it gets 503."""

_OPEN_PATHS = frozenset((HEALTH_PATH, LIVE_PATH, READY_PATH, DOCS_PATH, OPENAPI_PATH, PAGE_PATH))
_OPEN_FOLDERS = (f"{DOCS_ASSETS_PATH}/", f"{PAGE_PATH}/")


class Access:
    """ASGI middleware. Without `guard` nobody needs a token, without `rates` nobody is slowed down."""

    def __init__(
        self, app: ASGIApp, *, guard: TokenGuard | None, rates: Rates | None, public_metrics: bool
    ) -> None:
        self._app = app
        self._open_paths = _OPEN_PATHS | {METRICS_PATH} if public_metrics else _OPEN_PATHS
        self._guard = guard
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                if scope.get("state", {}).get(FULL):
                    raise RequestError.too_many_connections()
                check_head(scope)
                if not self._is_open(scope["path"]):
                    self._check(scope)
            except RequestError as problem:
                notes_of(scope).problem = problem
                await problem_response(problem, scope["path"])(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return path in self._open_paths or path.startswith(_OPEN_FOLDERS)

    def _check(self, scope: Scope) -> None:
        if self._guard is not None:
            notes_of(scope).token = self._guard.check(Headers(scope=scope).get("authorization"))
        if self._rates is None:
            return
        wait_s = self._rates.wait_s(client_of(scope))
        if wait_s > 0.0:
            raise RequestError.too_often(math.ceil(wait_s))


def client_of(scope: Scope) -> str:
    """Return what stands for a client that has been let in: its token's name, or else its address."""
    token = notes_of(scope).token
    if token is not None:
        return token
    address = scope.get("client")
    return client_of_address(address[0]) if address else ""


def token_guard(settings: ServerSettings, clock: Clock) -> TokenGuard | None:
    """Return the guard of the settings' tokens, or None if there are none. Raises `ConfigurationError`."""
    fixed = tuple(hashed(f"token {number}", secret) for number, secret in enumerate(settings.tokens, start=1))
    path = settings.token_file
    if path is None:
        return TokenGuard(lambda: fixed) if fixed else None
    warn_of_others(path, may=stat.S_IROTH | stat.S_IWOTH)
    file = Watched((path,), lambda: read_tokens(path), clock=clock)
    return TokenGuard(lambda: (*fixed, *file.get()))


def rates(settings: ServerSettings, clock: Clock) -> Rates | None:
    """Return the rates of the settings, or None if they set none."""
    if settings.rate_per_s is None:
        return None
    return Rates(per_s=settings.rate_per_s, burst=settings.rate_burst, clock=clock)
