"""The protocol of our own server: a picture in a form to `/analyze`, health at `/`. Sends nothing."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from offload_sdk import wire
from offload_sdk._types import Label, Payload
from offload_sdk._view import WHOLE, View
from offload_sdk.execute.exchange import Reply
from offload_sdk.execute.probe_image import padded_jpeg
from offload_sdk.execute.protocol import Call, check_status
from offload_sdk.typing import Picture, WireTask

__all__ = ["OffloadProtocol"]


class OffloadProtocol:
    """Implements `RemoteProtocol`, for a server with a model for this task; None: for classification."""

    only_payload: Payload | None = None

    def __init__(self, task: WireTask[Any] | None = None) -> None:
        self._task = task

    def health(self) -> Call:
        return Call(method="GET", path=wire.HEALTH_PATH)

    def check_health(self, reply: Reply) -> None:
        """Anything may answer 200 at `/`: a captive portal, another service. Only a server says it is well."""
        check_status(reply)
        wire.parse_health(reply.body)

    def questions(self) -> Sequence[Call]:
        return ()

    def learn(self, question: Call, reply: Reply) -> None:
        pass

    def classify(
        self, picture: Picture, coding: Payload | None, request_id: str, timings: dict[str, float]
    ) -> Call:
        image, media_type = picture.payload(timings, coding)
        return _analyze(image, media_type, coding)

    def filler(self, size_bytes: int) -> Call:
        return _analyze(padded_jpeg(size_bytes), "image/jpeg", None)

    def read_answer(self, reply: Reply, view: View = WHOLE) -> wire.Answer:
        """The server tells places in the picture, whatever its `view`."""
        check_status(reply)
        steps = reply.headers.get(wire.SERVER_TIMING_HEADER)
        return wire.parse_answer(reply.body, steps, None if self._task is None else partial(_read, self._task))


def _read(task: WireTask[Any], document: Mapping[str, Any]) -> tuple[Any, Sequence[Label]]:
    result = task.from_wire(document)
    if result is None:
        raise ValueError("the task reads None, which stands for no result")
    return result, task.labels(result)


def _analyze(image: bytes, media_type: str, payload: Payload | None) -> Call:
    content_type, body = wire.encode_image(image, media_type, boundary=secrets.token_hex(16))
    headers = {"Content-Type": content_type}
    return Call(method="POST", path=wire.ANALYZE_PATH, headers=headers, body=body, payload=payload)
