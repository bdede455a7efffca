"""Takes the image out of a multipart body (RFC 7578) as its chunks arrive. No HTTP, no sockets, no decoding.

It drives python-multipart's tokenizer itself rather than Starlette's form parser: that one writes every file
above 1 MB to a temporary file on disk, where no image shall go, and hands each chunk to a thread. Here the
image stays in memory, other fields are dropped as they pass, and a body of 15 kB costs a few callbacks.
"""

from __future__ import annotations

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from offload_sdk.wire import IMAGE_FIELD
from server_stub.problems import RequestError

__all__ = ["ImageForm"]

_MAX_PARTS = 32
_MAX_PART_HEADER_BYTES = 8192
_FIELD = IMAGE_FIELD.encode("ascii")


class ImageForm:
    """Feed the body's chunks, then `finish()` gives the bytes of the field called `image`.

    The caller bounds the body; this holds no more than the image. Raises `RequestError` (400, 415).
    """

    def __init__(self, content_type: str | None) -> None:
        media_type, options = parse_options_header(content_type)
        if media_type != b"multipart/form-data":
            raise RequestError.unsupported_media_type(
                f"send the picture as multipart/form-data in the field {IMAGE_FIELD!r}"
            )
        boundary = options.get(b"boundary")
        if not boundary:
            raise RequestError.malformed_form("the Content-Type names no boundary")
        self._image = bytearray()  # not a list of pieces: a peer chooses how small they are
        self._found = False
        self._inside = False
        self._complete = False
        self._parts = 0
        self._header_bytes = 0
        self._header_name = b""
        self._header_value = b""
        self._disposition = b""
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
            )
        except FormParserError:
            raise RequestError.malformed_form("the boundary is too long") from None

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise RequestError.malformed_form(
                "the body is not the multipart form that its Content-Type announces"
            ) from None

    def finish(self) -> bytes:
        if not self._complete:
            raise RequestError.malformed_form("the form ends before its closing boundary")
        if not self._found:
            raise RequestError.no_image(f"the form has no field {IMAGE_FIELD!r}")
        image = bytes(self._image)
        self.drop()
        if not image:
            raise RequestError.no_image(f"the field {IMAGE_FIELD!r} is empty")
        return image

    def drop(self) -> None:
        """Let go of what has arrived."""
        self._image = bytearray()

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise RequestError.malformed_form(f"the form has more than {_MAX_PARTS} fields")
        self._header_bytes = 0
        self._disposition = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_header(end - start)
        self._header_value += data[start:end]

    def _count_header(self, size_bytes: int) -> None:
        self._header_bytes += size_bytes
        if self._header_bytes > _MAX_PART_HEADER_BYTES:
            raise RequestError.malformed_form(f"a field's headers exceed {_MAX_PART_HEADER_BYTES} bytes")

    def _on_header_end(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = b""
        self._header_value = b""

    def _on_headers_finished(self) -> None:
        name = parse_options_header(self._disposition)[1].get(b"name")
        self._inside = name == _FIELD
        if self._inside and self._found:
            raise RequestError.malformed_form(
                f"the form has two fields {IMAGE_FIELD!r}; send one picture a request"
            )
        self._found = self._found or self._inside

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self._image += data[start:end]

    def _on_part_end(self) -> None:
        self._inside = False

    def _on_end(self) -> None:
        self._complete = True
