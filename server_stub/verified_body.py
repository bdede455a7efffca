"""Checks a body against its `Content-Digest` while its chunks pass to whoever collects them. Decodes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload_sdk.digest import DigestCheck, parse_digests
from server_stub.problems import RequestError

if TYPE_CHECKING:
    from server_stub.gate import Body

__all__ = ["VerifiedBody"]


class VerifiedBody:
    """Implements `gate.Body` around another one. `announced` is the header's value, None if there is none.

    Raises `RequestError` (400) if it cannot be read, or is `required` and names no known algorithm; and, once the
    body is complete, if it is another one than announced. What the collector finds wrong is told only then: a form
    that was damaged on the way is damaged, and not malformed.
    """

    def __init__(self, body: Body, announced: str | None, *, required: bool) -> None:
        try:
            digests = parse_digests(announced or "")
        except ValueError as error:
            raise RequestError.digest_malformed(str(error)) from None
        if required and not digests:
            raise RequestError.digest_missing()
        self._body = body
        self._check = DigestCheck(digests) if digests else None
        self._fault: RequestError | None = None

    def feed(self, chunk: bytes) -> None:
        if self._check is not None:
            self._check.update(chunk)
        if self._fault is not None:
            return
        try:
            self._body.feed(chunk)
        except RequestError as problem:
            if self._check is None or problem.status != 400:
                raise
            self._fault = problem
            self._body.drop()

    def finish(self) -> bytes:
        if self._check is not None and not self._check.holds:
            raise RequestError.digest_mismatch()
        if self._fault is not None:
            raise self._fault
        return self._body.finish()

    def drop(self) -> None:
        self._body.drop()
