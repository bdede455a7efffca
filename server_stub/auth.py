"""Checks bearer tokens and says whose one is. Knows hashes only, logs nothing, reads no file."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence

from server_stub.problems import RequestError
from server_stub.tokens import Token, hashed

__all__ = ["TokenGuard"]


class TokenGuard:
    """Lets a request pass if it carries one of the tokens that `tokens` returns at that moment.

    Digests are compared in constant time, and all of them each time, so that the time of a refusal tells
    neither how much of a token is right nor which one is near.
    """

    def __init__(self, tokens: Callable[[], Sequence[Token]]) -> None:
        self._tokens = tokens

    def check(self, authorization: str | None) -> str:
        """Return the token's name. Raises `RequestError` (401) unless the value of `Authorization` is `Bearer`
        with a known token."""
        scheme, _, secret = (authorization or "").partition(" ")
        given = hashed("", secret.strip()).digest
        names = [token.name for token in self._tokens() if hmac.compare_digest(given, token.digest)]
        if scheme.lower() != "bearer" or not names:
            raise RequestError.unauthorized()
        return names[0]
