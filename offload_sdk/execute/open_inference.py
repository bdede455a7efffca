"""The Open Inference Protocol, version 2, as KServe, Triton, MLServer and our server speak it. Sends nothing."""

from __future__ import annotations

import base64
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from offload_sdk import wire
from offload_sdk._types import Payload
from offload_sdk._view import WHOLE, View
from offload_sdk.errors import RemoteError
from offload_sdk.execute.exchange import Reply
from offload_sdk.execute.probe_image import padded_jpeg
from offload_sdk.execute.protocol import Call, check_status
from offload_sdk.execute.served_model import ServedModel, labelled, solved
from offload_sdk.model import Normalisation
from offload_sdk.typing import Picture, Task
from offload_sdk.wire_open_inference import (
    BINARY_EXTENSION,
    HEADER_LENGTH_HEADER,
    IMAGE_EXTENSION,
    READY_PATH,
    SERVER_PATH,
    InferenceRequest,
    Tensor,
    encode_request,
    model_path,
    parse_answer,
    parse_extensions,
    parse_model_inputs,
)

__all__ = ["OpenInferenceProtocol"]

_MOST_OUTPUT_BYTES = 16 * 1024 * 1024


class OpenInferenceProtocol:
    """Implements `RemoteProtocol` for one model of a server.

    A server is asked once for its extensions and the model's input, and again after it refused a request. A
    picture goes as JPEG to an input of `BYTES` and to servers that say that they take it, else as the model's
    tensor; as raw bytes where the server offers that, else as JSON. With a `task` the server computes no more than
    the raw outputs: it gets the tensor always, and the task makes the result of what it answers.
    """

    def __init__(
        self,
        model: str,
        *,
        version: str | None,
        normalisation: Normalisation | None,
        labels: Sequence[str],
        task: Task[Any] | None = None,
    ) -> None:
        self._path = model_path(model, version)
        self._normalisation = normalisation
        self._labels = labels
        self._task = task
        self._extensions: frozenset[str] = frozenset()
        self._model: ServedModel | None = None
        self._all_questions = Call(method="GET", path=SERVER_PATH), Call(method="GET", path=self._path)
        self._questions: Sequence[Call] = self._all_questions
        self.only_payload: Payload | None = None

    def health(self) -> Call:
        return Call(method="GET", path=READY_PATH)

    def check_health(self, reply: Reply) -> None:
        check_status(reply)

    def questions(self) -> Sequence[Call]:
        return self._questions

    def learn(self, question: Call, reply: Reply) -> None:
        self._check(reply)
        try:
            if question.path == SERVER_PATH:
                self._extensions = parse_extensions(reply.body)
                return
            inputs = parse_model_inputs(reply.body)
        except ValueError as error:
            raise RemoteError(f"GET {question.path} gives no metadata: {error}", kind="protocol") from None
        if len(inputs) != 1:
            raise RemoteError(
                f"the server tells {len(inputs)} inputs of the model, not one; give its metadata an input of name,"
                " datatype and shape",
                kind="protocol",
            )
        self._model = ServedModel(facts=inputs[0], normalisation=self._normalisation)
        self.only_payload = None if self._takes_images else self._model.payload(binary=self._binary)
        self._questions = ()

    def classify(
        self, picture: Picture, coding: Payload | None, request_id: str, timings: dict[str, float]
    ) -> Call:
        assert self._model is not None
        if self._takes_images:
            image, _ = picture.payload(timings, coding)
            return self._call(self._image_tensor(image), request_id, coding)
        steps_s: dict[str, float] = {}
        pixels = picture.upload_tensor(steps_s)
        started_s = time.perf_counter()
        call = self._call(self._model.tensor(pixels), request_id, self.only_payload)
        encode_s = time.perf_counter() - started_s + steps_s.get("preprocess", 0.0)
        timings["decode"] = timings.get("decode", 0.0) + steps_s.get("decode", 0.0)
        timings["encode"] = timings.get("encode", 0.0) + encode_s
        if "redact" in steps_s:
            timings["redact"] = timings.get("redact", 0.0) + steps_s["redact"]
        return call if self._task is None else replace(call, view=picture.view, max_bytes=_MOST_OUTPUT_BYTES)

    def filler(self, size_bytes: int) -> Call | None:
        """A model takes no tensor that is smaller than its input."""
        if self._model is None or not self._takes_images:
            return None
        image = padded_jpeg(size_bytes if self._binary else size_bytes * 3 // 4)
        return self._call(self._image_tensor(image), None, None)

    def read_answer(self, reply: Reply, view: View = WHOLE) -> wire.Answer:
        self._check(reply)
        length = reply.headers.get(HEADER_LENGTH_HEADER)
        try:
            answer = parse_answer(reply.body, None if length is None else int(length))
        except ValueError as error:
            raise RemoteError(f"the answer is not the protocol's: {error}", kind="protocol") from None
        if self._task is None:
            result, labels = None, labelled(answer.outputs, self._labels)
        else:
            result, labels = solved(answer.outputs, self._task, view)
        return wire.Answer(
            labels=labels,
            model=answer.model,
            request_id=answer.id,
            server_s=wire.parse_server_timing(reply.headers.get(wire.SERVER_TIMING_HEADER)),
            result=result,
        )

    @property
    def _binary(self) -> bool:
        return BINARY_EXTENSION in self._extensions

    @property
    def _takes_images(self) -> bool:
        assert self._model is not None
        if self._task is not None:
            return False
        return IMAGE_EXTENSION in self._extensions or self._model.facts.datatype == "BYTES"

    def _image_tensor(self, image: bytes) -> Tensor:
        assert self._model is not None
        facts = self._model.facts
        rank = len(facts.shape) if facts.datatype == "BYTES" else 1
        return Tensor(
            name=facts.name,
            datatype="BYTES",
            shape=(1,) * rank,
            data=(image if self._binary else base64.b64encode(image),),
            parameters={} if self._binary else {"content_type": "base64"},
        )

    def _call(self, tensor: Tensor, request_id: str | None, payload: Payload | None) -> Call:
        request = InferenceRequest(inputs=(tensor,), id=request_id, binary=self._binary)
        body, headers = encode_request(request, binary=self._binary)
        return Call(method="POST", path=f"{self._path}/infer", headers=headers, body=body, payload=payload)

    def _check(self, reply: Reply) -> None:
        if reply.status in (400, 404, 422):  # it may have another model by now
            self._questions = self._all_questions
        try:
            check_status(reply)
        except RemoteError as error:
            if error.kind != "input" or self.only_payload is None:
                raise
            # What was refused is not the picture, which had become the model's own tensor.
            raise RemoteError(str(error), kind="protocol", status=reply.status) from None
