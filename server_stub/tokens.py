"""Bearer tokens as the server keeps them: a name and a SHA-256 hash each. Reads and writes lines; checks nothing.

A token file has one token a line, `NAME sha256:HEX`; blank lines and those that begin with `#` are passed over.
A plain hash is enough, as the tokens made here have 256 random bits: there is no dictionary to salt against.
Two tokens may share a name, so that a client's new one is valid before its old one goes.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from offload_sdk.errors import ConfigurationError

__all__ = ["Token", "hashed", "new_secret", "read_tokens", "token_line"]

_LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,64})\s+sha256:(?P<digest>[0-9a-fA-F]{64})")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECRET_BYTES = 32
_SECRET_PREFIX = "offload_"  # noqa: S105  # by which scanners of leaked secrets know one


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """`digest` is the SHA-256 of the secret that the client sends."""

    name: str
    digest: bytes = field(repr=False)


def hashed(name: str, secret: str) -> Token:
    return Token(name=name, digest=hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest())


def new_secret() -> str:
    return _SECRET_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def token_line(name: str, secret: str) -> str:
    """Return the line of a token file. Raises `ConfigurationError` if the name does not fit in one."""
    if _NAME.fullmatch(name) is None:
        raise ConfigurationError(
            f"{name!r} is no name for a token; use up to 64 letters, digits, '.', '_' and '-'"
        )
    return f"{name} sha256:{hashed(name, secret).digest.hex()}"


def read_tokens(path: Path) -> tuple[Token, ...]:
    """Return the tokens of the file. Raises `ConfigurationError` that names the line, never what stands in it."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the token file {path} cannot be read: {_reason(error)}") from None
    tokens = []
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise ConfigurationError(
                f"line {number} of the token file {path} is not 'NAME sha256:HASH'; "
                "make one with python -m server_stub.add_token"
            )
        tokens.append(Token(name=match["name"], digest=bytes.fromhex(match["digest"])))
    if not tokens:  # most likely it is being written this moment; it must not open or lock the server
        raise ConfigurationError(
            f"the token file {path} holds no token; make one with python -m server_stub.add_token"
        )
    return tuple(tokens)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it is not UTF-8 text"
