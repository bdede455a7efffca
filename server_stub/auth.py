"""Checks bearer tokens. Keeps their hashes only, logs nothing."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from server_stub.problems import RequestError

__all__ = ["TokenGuard"]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


class TokenGuard:
    """Lets a request pass if it carries one of the tokens, or if there are none.

    Digests are compared in constant time, and all of them each time, so that the time of a refusal tells
    neither how much of a token is right nor which one is near.
    """

    def __init__(self, tokens: Iterable[str]) -> None:
        self._digests = tuple(_digest(token) for token in tokens)

    def check(self, authorization: str | None) -> None:
        """Raise `RequestError` (401) unless the value of `Authorization` is `Bearer` with a known token."""
        if not self._digests:
            return
        scheme, _, token = (authorization or "").partition(" ")
        given = _digest(token.strip())
        matches = [hmac.compare_digest(given, digest) for digest in self._digests]
        if scheme.lower() != "bearer" or not any(matches):
            raise RequestError.unauthorized()
