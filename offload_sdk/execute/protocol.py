"""What the remote path needs of an endpoint's protocol, and what HTTP errors mean in all. Sends nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from offload_sdk import wire
from offload_sdk._types import Payload
from offload_sdk._view import WHOLE, View
from offload_sdk.digest import WANT_DIGEST_HEADER
from offload_sdk.errors import RemoteError
from offload_sdk.execute.exchange import Reply
from offload_sdk.typing import Picture

__all__ = ["Call", "RemoteProtocol", "check_status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, but for the headers that every request has. `payload` is how its picture was coded, if told;
    `view` where in the model's input it lies. An answer of more than `max_bytes` is none."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    payload: Payload | None = None
    view: View = WHOLE
    max_bytes: int = wire.MAX_ANSWER_BYTES


class RemoteProtocol(Protocol):
    """Makes the calls to one endpoint and reads their replies. Raises `RemoteError`. Used by several threads.

    `only_payload` is the one form in which the endpoint takes pictures; None if it takes any, or if that is not
    known yet. `questions` are what must be asked before the first picture is sent; `learn` takes the replies.
    `classify` adds the seconds that it takes to `timings` and may raise `InvalidImageError`.
    """

    @property
    def only_payload(self) -> Payload | None: ...

    def health(self) -> Call: ...

    def check_health(self, reply: Reply) -> None: ...

    def questions(self) -> Sequence[Call]: ...

    def learn(self, question: Call, reply: Reply) -> None: ...

    def classify(
        self, picture: Picture, coding: Payload | None, request_id: str, timings: dict[str, float]
    ) -> Call: ...

    def filler(self, size_bytes: int) -> Call | None:
        """A call that is answered as a picture's, of about this size; None if there are none so small."""
        ...

    def read_answer(self, reply: Reply, view: View = WHOLE) -> wire.Answer: ...


def check_status(reply: Reply) -> None:
    """Raise the `RemoteError` that a status other than 200 stands for."""
    status = reply.status
    if status == 200:
        return
    message = f"HTTP {status}"
    detail = wire.parse_error_message(reply.body)
    if detail is not None:
        message = f"{message} ({detail})"
    if status in (401, 403):
        raise RemoteError(
            f"{message}: the server did not accept the token; check OFFLOAD_TOKEN", kind="auth", status=status
        )
    if status == 400 and WANT_DIGEST_HEADER in reply.headers:  # how a server asks for what it could not check
        raise RemoteError(f"the request did not arrive as it was sent: {message}", kind="integrity", status=status)
    if status in (400, 413, 415, 422):
        raise RemoteError(f"the server did not accept the image: {message}", kind="input", status=status)
    if status == 504:
        raise RemoteError(f"the server sees no way to answer in time: {message}", kind="late", status=status)
    if status in (429, 503):
        retry_after_s = wire.parse_retry_after(reply.headers.get("Retry-After"))
        raise RemoteError(
            f"the server is too busy: {message}", kind="refused", status=status, retry_after_s=retry_after_s
        )
    raise RemoteError(f"the server answered {message}", kind="status", status=status)
