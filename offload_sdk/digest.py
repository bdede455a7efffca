"""`Content-Digest` (RFC 9530): a message's content bound to its head, shared by the device and the server.

Pure: bytes and header values in, bytes and header values out. What a mismatch means is for each side to say. A
digest tells of damage on the way, and not of malice: who can change the content can change its digest too. Against
that there is TLS.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Final

__all__ = ["DIGEST_HEADER", "WANT_DIGEST", "WANT_DIGEST_HEADER", "DigestCheck", "format_digest", "parse_digests"]

DIGEST_HEADER: Final = "Content-Digest"
WANT_DIGEST_HEADER: Final = "Want-Content-Digest"
WANT_DIGEST: Final = "sha-256=10"
"""Its value: how much SHA-256 is preferred, 1 to 10."""

_SIZE_BYTES = {"sha-256": 32, "sha-512": 64}  # the registry's algorithms that are neither broken nor a checksum
_HASHES = {"sha-256": "sha256", "sha-512": "sha512"}

# A dictionary of RFC 9651, whose values RFC 9530 confines to byte sequences. Parameters mean nothing here.
_KEY = r"[a-z*][a-z0-9_\-.*]*"
_PARAMETER = rf';[ ]*{_KEY}(?:=(?:"(?:[ !#-\[\]-~]|\\["\\])*"|[^\s";,]+))?'
_MEMBER = re.compile(rf"({_KEY})=:([A-Za-z0-9+/]*={{0,2}}):(?:{_PARAMETER})*")
_COMMA = re.compile(r"[ \t]*,[ \t]*")


def format_digest(content: bytes) -> str:
    """Return the header's value for `content`."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode('ascii')}:"


def parse_digests(value: str) -> Mapping[str, bytes]:
    """Return the digests of the algorithms that are known here, by name; others are passed over.

    Several header fields are one value, joined with commas. Raises `ValueError` with what is wrong.
    """
    digests: dict[str, bytes] = {}
    value = value.strip(" ")
    at = 0
    while at < len(value):
        member = _MEMBER.match(value, at)
        if member is None:
            raise ValueError("it must be a list such as sha-256=:BASE64:")
        name, text = member[1], member[2].rstrip("=")
        if name in _SIZE_BYTES:
            digests[name] = _decoded(name, text)
        at = member.end()
        if at < len(value):
            comma = _COMMA.match(value, at)
            if comma is None or comma.end() == len(value):
                raise ValueError("its members must be parted by commas")
            at = comma.end()
    return digests


class DigestCheck:
    """Takes a message's content piece by piece, and tells whether it is what its head announced."""

    __slots__ = ("_announced", "_hashes")

    def __init__(self, announced: Mapping[str, bytes]) -> None:
        self._announced = announced
        self._hashes = {name: hashlib.new(_HASHES[name]) for name in announced}

    def update(self, piece: bytes) -> None:
        for each in self._hashes.values():
            each.update(piece)

    @property
    def holds(self) -> bool:
        """Whether what has come so far is the announced content; true if nothing was announced."""
        return all(self._hashes[name].digest() == digest for name, digest in self._announced.items())


def _decoded(name: str, text: str) -> bytes:
    try:
        digest = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        raise ValueError(f"the value of {name} is not base64") from None
    if len(digest) != _SIZE_BYTES[name]:
        raise ValueError(f"the value of {name} has {len(digest)} bytes and not {_SIZE_BYTES[name]}")
    return digest
