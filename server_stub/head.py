"""What is refused for its head alone: too much of it, or a body whose end two servers could see in different
places. Judges names and values; reads no body and knows no route."""

from __future__ import annotations

from starlette.types import Scope

from server_stub.problems import RequestError

__all__ = ["check_head"]

_MAX_FIELDS = 100
_MAX_BYTES = 32 * 1024
_MAX_PATH_BYTES = 2048


def check_head(scope: Scope) -> None:
    """Raise `RequestError` (400, 414, 431) unless the head is one that a client needs.

    The parser bounds a head only while it is incomplete. And a length beside `Transfer-Encoding`, or chunks in
    HTTP/1.0, are how a request is smuggled past a proxy: RFC 9112, 6.1, lets a server refuse the first and calls
    the framing of the second faulty.
    """
    fields = scope["headers"]
    if len(scope["raw_path"]) + len(scope["query_string"]) > _MAX_PATH_BYTES:
        raise RequestError.uri_too_long(_MAX_PATH_BYTES)
    if len(fields) > _MAX_FIELDS or sum(len(name) + len(value) for name, value in fields) > _MAX_BYTES:
        raise RequestError.head_too_large(_MAX_FIELDS, _MAX_BYTES)
    names = {name for name, _ in fields}
    if b"transfer-encoding" in names and (b"content-length" in names or scope["http_version"] == "1.0"):
        raise RequestError.malformed_request(
            "the length of the body is told in two ways, or in one that is too new"
        )
