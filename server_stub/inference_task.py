"""What a worker does for one request of the Open Inference Protocol: from its body to the answer's. No HTTP.

Bodies are parsed here, on the worker's thread: the JSON of a tensor takes some 20 ms, for which the event loop
must not stand still.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from offload_sdk.wire_open_inference import (
    InferenceAnswer,
    InferenceRequest,
    Tensor,
    TensorFacts,
    encode_answer,
    parse_request,
)
from server_stub.engine import Engine, Signature
from server_stub.problems import RequestError

__all__ = [
    "MOST_IMAGES",
    "InferenceResult",
    "InferenceTask",
    "input_facts",
    "output_facts",
    "parsed",
    "wanted_outputs",
]

MOST_IMAGES = 32
_INPUT, _PROBABILITIES, _LABELS = "input", "probabilities", "labels"
_DATATYPES = {"float32": "FP32", "uint8": "UINT8"}


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceResult:
    """The answer's body and headers, the seconds of all inferences, and those of all that was done around them."""

    body: bytes
    headers: dict[str, str]
    decode_s: float
    infer_s: float


def input_facts(signature: Signature) -> TensorFacts:
    """What metadata tell of the input: the model's own tensor. Pixels and encoded pictures are taken beside it."""
    shape = (-1, signature.height, signature.width, 3)
    return TensorFacts(name=_INPUT, datatype=_DATATYPES[signature.datatype], shape=shape)


def output_facts(signature: Signature) -> tuple[TensorFacts, ...]:
    """What metadata tell of the outputs: all probabilities, and the names of the most probable classes."""
    return (
        TensorFacts(name=_PROBABILITIES, datatype="FP32", shape=(-1, len(signature.labels))),
        TensorFacts(name=_LABELS, datatype="BYTES", shape=(-1, -1)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class InferenceTask:
    """Given an engine it answers the request. Raises `RequestError` (400, 413) and `InvalidImageError`."""

    body: bytes
    header_bytes: int | None
    model: str
    signature: Signature
    top_k: int

    def __call__(self, engine: Engine, /) -> InferenceResult:
        started_s = time.perf_counter()
        request = parsed(self.body, self.header_bytes)
        wanted = wanted_outputs(request, [facts.name for facts in output_facts(self.signature)])
        scores = [engine.score(image) for image in self._images(request)]
        probabilities = np.stack([score.probabilities for score in scores])
        if not np.isfinite(probabilities).all():
            raise RequestError.bad_request("the values lie so far out that the model's answer is not a number")
        outputs = {_PROBABILITIES: lambda: _numbers(probabilities), _LABELS: lambda: self._names(probabilities)}
        answer = InferenceAnswer(
            model=self.model, id=request.id, outputs=tuple(outputs[name]() for name in wanted)
        )
        body, headers = encode_answer(answer, binary=lambda name: wanted[name])
        infer_s = sum(score.infer_s for score in scores)
        around_s = time.perf_counter() - started_s - infer_s
        return InferenceResult(body=body, headers=headers, decode_s=max(around_s, 0.0), infer_s=infer_s)

    def _images(self, request: InferenceRequest) -> list[bytes] | npt.NDArray[Any]:
        """Return what the engine takes, one for each picture."""
        if len(request.inputs) != 1 or request.inputs[0].name != _INPUT:
            raise RequestError.bad_request(f"the model has one input, called {_INPUT!r}")
        tensor = request.inputs[0]
        count = tensor.shape[0] if tensor.shape else 0
        if not 1 <= count <= MOST_IMAGES:
            raise RequestError.bad_request(
                f"the shape {list(tensor.shape)} must begin with the number of pictures, 1 to {MOST_IMAGES}"
            )
        if not isinstance(tensor.data, bytes):
            if tensor.shape not in ((count,), (count, 1)):
                raise RequestError.bad_request(f"encoded pictures have the shape [{count}] or [{count}, 1]")
            return [_decoded(element) for element in tensor.data]
        facts = input_facts(self.signature)
        if tensor.datatype not in (facts.datatype, "UINT8"):
            raise RequestError.bad_request(
                f"the model takes {facts.datatype}, pixels as UINT8, or encoded pictures as BYTES, "
                f"not {tensor.datatype}"
            )
        if tensor.shape[1:] != facts.shape[1:]:
            raise RequestError.bad_request(
                f"the model takes the shape {list(facts.shape)}, not {list(tensor.shape)}"
            )
        values = np.frombuffer(tensor.data, "<f4" if tensor.datatype == "FP32" else np.uint8)
        if not np.isfinite(values).all():
            raise RequestError.bad_request("the tensor holds values that are not finite")
        return values.astype(values.dtype.newbyteorder("="), copy=False).reshape(tensor.shape)

    def _names(self, probabilities: npt.NDArray[np.float32]) -> Tensor:
        best = np.argsort(-probabilities, axis=1, kind="stable")[:, : self.top_k]
        return Tensor(
            name=_LABELS,
            datatype="BYTES",
            shape=best.shape,
            data=tuple(self.signature.labels[index].encode() for index in best.flat),
            parameters={"content_type": "str"},  # tells MLServer's clients that it is text
        )


def parsed(body: bytes, header_bytes: int | None) -> InferenceRequest:
    """Read a request. Raises `RequestError` (400)."""
    try:
        return parse_request(body, header_bytes)
    except ValueError as error:
        raise RequestError.bad_request(str(error)) from None


def wanted_outputs(request: InferenceRequest, known: Sequence[str]) -> dict[str, bool]:
    """Return the outputs to give, of those that are known, and whether each goes as raw bytes. Raises
    `RequestError` (400)."""
    for output in request.outputs:
        if output.name not in known:
            raise RequestError.bad_request(f"there is no output {output.name!r}; there are {' and '.join(known)}")
    if request.outputs:
        return {output.name: output.binary for output in request.outputs}
    return dict.fromkeys(known, request.binary)


def _numbers(probabilities: npt.NDArray[np.float32]) -> Tensor:
    return Tensor(
        name=_PROBABILITIES,
        datatype="FP32",
        shape=probabilities.shape,
        data=probabilities.astype("<f4", copy=False).tobytes(),
    )


def _decoded(element: bytes) -> bytes:
    """A picture in JSON is base64, which no encoded picture is by itself."""
    try:
        return base64.b64decode(element, validate=True)
    except binascii.Error:
        return element
