"""Collects a body of which all is wanted, within a bound. Knows nothing of what is in it."""

from __future__ import annotations

from server_stub.problems import RequestError

__all__ = ["WholeBody"]


class WholeBody:
    """Implements `gate.Body`. Raises `RequestError` (413)."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._size_bytes = 0

    def feed(self, chunk: bytes) -> None:
        self._size_bytes += len(chunk)
        if self._size_bytes > self._max_bytes:
            raise RequestError.body_too_large(self._max_bytes)
        self._pieces.append(chunk)

    def finish(self) -> bytes:
        body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self.drop()
        return body

    def drop(self) -> None:
        self._pieces.clear()
