"""Reading an HTTP/1.1 request from a socket and taking the image out of it. Nothing is answered here."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import BinaryIO

_LONGEST_LINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """A request as the server received it.

    `headers` has the names in lower case. `body` is without the transfer encoding; `complete` is false when the
    client went away in the middle of it. `connection` counts the server's connections from 0, and
    `new_connection` says that this was the first request on it. `fault` is what the server did about it.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    complete: bool
    connection: int
    new_connection: bool
    fault: str

    @property
    def image(self) -> bytes | None:
        """What the multipart field `image` holds; None without one."""
        return multipart_field(self.headers.get("content-type", ""), self.body, "image")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A parsed request: the first line, the headers in lower case, the body as far as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    complete: bool


def read_request(stream: BinaryIO) -> Parsed | None:
    """The next request, or None when the client has closed or speaks something else. Blocks."""
    line = stream.readline(_LONGEST_LINE_BYTES)
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return None
    try:
        headers = {name.lower(): value for name, value in http.client.parse_headers(stream).items()}
        body, complete = _read_body(stream, headers)
    except (http.client.HTTPException, ValueError):
        return None
    return Parsed(method=words[0], path=words[1], headers=headers, body=body, complete=complete)


def _read_body(stream: BinaryIO, headers: Mapping[str, str]) -> tuple[bytes, bool]:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        length = int(headers.get("content-length", "0"))
        body = stream.read(length)
        return body, len(body) == length
    pieces: list[bytes] = []
    while True:
        size_line = stream.readline(_LONGEST_LINE_BYTES).split(b";")[0].strip()
        if not size_line:
            return b"".join(pieces), False
        size = int(size_line, 16)
        piece = stream.read(size)
        pieces.append(piece)
        if len(piece) < size or not stream.readline(_LONGEST_LINE_BYTES):
            return b"".join(pieces), False
        if size == 0:
            return b"".join(pieces), True


def multipart_field(content_type: str, body: bytes, name: str) -> bytes | None:
    """The content of a field of a `multipart/form-data` body (RFC 7578); None if it is not there."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_param("boundary")
    if header.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        return None
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))[1:]:
        head, separator, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        for line in head.decode("utf-8", "replace").split("\r\n") if separator else ():
            field = Message()
            key, _, value = line.partition(":")
            if key.strip().lower() == "content-disposition":
                field["content-disposition"] = value.strip()
                if field.get_param("name", header="content-disposition") == name:
                    return content
    return None
