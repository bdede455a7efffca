"""The faults that a server can have, and what goes over the wire for each. No sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from offload_sdk import wire
from offload_sdk.digest import DIGEST_HEADER, WANT_DIGEST, format_digest

Fault = Literal[
    "ok",
    "black_hole",
    "close_idle",
    "corrupt_answer",
    "corrupt_upload",
    "garbage",
    "http_400",
    "http_401",
    "http_413",
    "http_429",
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "huge",
    "redirect",
    "reset",
    "reset_reused",
    "slow_drip",
    "slow_drip_headers",
    "truncated",
    "wrong_json",
]
"""What a `FaultyServer` does with a request, after it has read and recorded it.

- `ok`: it answers, as the contract says.
- `http_…`: that status with the contract's error body; 429 and 503 with `Retry-After`; 502 with a page of HTML,
  as proxies give.
- `garbage`: 200 and bytes that are no text. `wrong_json`: 200 and JSON of another shape, another one each time.
- `truncated`: half of the promised body, then the connection is closed.
- `slow_drip`: a byte of the body every `drip_s`; `slow_drip_headers`: so from the first byte of the answer.
- `huge`: a body without end. `redirect`: 307 to `/elsewhere` on the same server, which answers 404.
- `corrupt_answer`: the answer, with one bit of its body changed after its digest was made. `corrupt_upload`: the
  request is taken with one bit of its body changed: 400 if it came with a digest, else it is answered.
- `black_hole`: no answer; the connection stays open. `reset`: RST.
- `close_idle`: it answers, then closes the connection without having said so. `reset_reused`: it answers the
  first request of a connection and sends RST for any other, as when the client reuses a connection in the same
  moment as the server gives it up.
"""

_STATUS = {
    200: ("OK", ""),
    307: ("Temporary Redirect", ""),
    400: ("Bad Request", "bad_image"),
    401: ("Unauthorized", "unauthorized"),
    404: ("Not Found", "not_found"),
    413: ("Content Too Large", "too_large"),
    429: ("Too Many Requests", "overloaded"),
    500: ("Internal Server Error", "internal"),
    502: ("Bad Gateway", "bad_gateway"),
    503: ("Service Unavailable", "unavailable"),
    504: ("Gateway Timeout", "deadline"),
}

# Every one is valid JSON. The last two numbers do not fit a float and an integer.
WRONG_SHAPES: tuple[bytes, ...] = (
    b"{}",
    b"[]",
    b"null",
    b'"tabby"',
    b'{"predictions": null, "model": "m", "request_id": "r"}',
    b'{"predictions": [], "model": "m", "request_id": "r"}',
    b'{"predictions": [["tabby", 0.7, 281]], "model": "m", "request_id": "r"}',
    b'{"predictions": [{"class": "tabby", "score": 0.7}], "model": "m", "request_id": "r"}',
    b'{"predictions": [{"label": "tabby", "probability": "high", "index": 281}], "model": "m"}',
    b'{"predictions": [{"label": "tabby", "probability": 70, "index": 281}], "model": "m"}',
    b'{"predictions": [{"label": "tabby", "probability": 0.7, "index": null}], "model": "m"}',
    b'{"predictions": [{"label": "tabby", "probability": 0.7, "index": 1e999}], "model": "m"}',
    b'{"predictions": [{"label": "tabby", "probability": 1' + b"0" * 400 + b', "index": 281}], "model": "m"}',
)
GARBAGE = bytes(range(256)) * 4


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The status line and the headers, with the empty line that ends them."""
    lines = [f"HTTP/1.1 {status} {_STATUS[status][0]}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def answer(status: int, body: bytes, **headers: str) -> bytes:
    """A whole answer; keywords are further headers, `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sealed = {
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        DIGEST_HEADER: format_digest(body),
    }
    return head(status, {**sealed, **named}) + body


def damaged(content: bytes) -> bytes:
    """The same with one bit changed, in the middle."""
    middle = len(content) // 2
    return content[:middle] + bytes(byte ^ 1 for byte in content[middle : middle + 1]) + content[middle + 1 :]


def digest_mismatch() -> bytes:
    """What the contract says to a body that is not what its digest announces."""
    body = json.dumps(wire.error_body("digest_mismatch", "the body was changed on the way")).encode()
    return answer(400, body, Want_Content_Digest=WANT_DIGEST)


def error(status: int, *, retry_after_s: float) -> bytes:
    """The answer of an HTTP error."""
    if status == 502:
        return answer(502, b"<html><body><h1>502 Bad Gateway</h1></body></html>", Content_Type="text/html")
    code = _STATUS[status][1]
    body = json.dumps(wire.error_body(code, f"this server was told to answer {status}")).encode()
    if status in (429, 503):
        return answer(status, body, Retry_After=f"{retry_after_s:g}")
    if status == 401:
        return answer(status, body, WWW_Authenticate="Bearer")
    return answer(status, body)
