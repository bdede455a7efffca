"""Who may use the page: an ASGI layer before every route. Reads no body.

A server on the loopback is within reach of every web page that the user has open. Such a page cannot read what is
answered to another origin, but it could post, or make its own name resolve to 127.0.0.1 and so become the same
origin (DNS rebinding). Hence: what changes anything must come from this page itself, and the name asked for must
be this machine's. Where other machines reach the page, it takes the token of the address that was printed.
"""

from __future__ import annotations

import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["TOKEN_PARAMETER", "Guard"]

TOKEN_PARAMETER = "token"  # noqa: S105 (the parameter's name)
_SAFE = ("GET", "HEAD")
_SAME_SITE = (None, "same-origin", "none")  # "none": the user typed the address


class Guard:
    """With a `token` it is asked for; without one the Host must name the loopback.

    `cookie` is the name under which a browser keeps the token; `secure`: the page is served by HTTPS.
    """

    def __init__(self, app: ASGIApp, *, token: str | None, cookie: str, secure: bool) -> None:
        self._app = app
        self._token = token
        self._cookie = cookie
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._refusal(scope) if scope["type"] == "http" else None
        await (answer or self._app)(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the answer to a request that is not let through; None: it is."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._token is None:
            if not _is_loopback(host):
                return _refused(
                    403, "This page is for this device only: open it as http://127.0.0.1 or localhost."
                )
        elif not self._knows(headers.get("cookie", "")):
            return self._ask(scope)
        if scope["method"] not in _SAFE and not _is_own(headers, host):
            return _refused(403, "Only the page itself may send pictures here.")
        return None

    def _knows(self, cookies: str) -> bool:
        try:
            morsel = SimpleCookie(cookies).get(self._cookie)
        except CookieError:
            return False
        return morsel is not None and self._is_token(morsel.value)

    def _is_token(self, given: str) -> bool:
        assert self._token is not None
        return hmac.compare_digest(given.encode("utf-8"), self._token.encode("ascii"))

    def _ask(self, scope: Scope) -> Response:
        given = parse_qs(scope["query_string"].decode("latin-1")).get(TOKEN_PARAMETER, [""])[0]
        if not self._is_token(given):
            return _refused(
                401, "Open the address that `offload-sdk ui` printed when it started; it ends in the token."
            )
        # On to the address without it, so that the token stays out of the history and of what is shown on screen.
        answer = RedirectResponse(scope["path"], status_code=303, headers={"Cache-Control": "no-store"})
        answer.set_cookie(self._cookie, given, httponly=True, samesite="lax", secure=self._secure)
        return answer


def _refused(status: int, message: str) -> Response:
    return PlainTextResponse(f"{message}\n", status_code=status, headers={"X-Content-Type-Options": "nosniff"})


def _is_loopback(host: str) -> bool:
    """Whether a Host header names this machine; the port may be another one, as through an SSH tunnel."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_own(headers: Headers, host: str) -> bool:
    """Whether a request comes from the page, or from a program that is no browser."""
    if headers.get("sec-fetch-site") not in _SAME_SITE:
        return False
    origin = headers.get("origin")
    return origin is None or origin.partition("://")[2] == host
