"""What a worker does for one request of the Open Inference Protocol to a model that is no classifier: its own
tensors in, its own tensors out. No HTTP."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from offload_sdk.wire_open_inference import (
    DATATYPES,
    InferenceAnswer,
    InferenceRequest,
    Tensor,
    TensorFacts,
    encode_answer,
)
from server_stub.engine import Engine, TensorEngine, TensorSignature
from server_stub.inference_task import InferenceResult, parsed, wanted_outputs
from server_stub.problems import RequestError

__all__ = ["TensorTask"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorTask:
    """Given an engine it answers the request. Raises `RequestError` (400, 503)."""

    body: bytes
    header_bytes: int | None
    model: str
    signature: TensorSignature

    def __call__(self, engine: Engine, /) -> InferenceResult:
        started_s = time.perf_counter()
        if not isinstance(engine, TensorEngine):
            raise RequestError.model_replaced()
        request = parsed(self.body, self.header_bytes)
        wanted = wanted_outputs(request, [facts.name for facts in self.signature.outputs])
        computed = engine.compute(self._inputs(request))
        outputs = [_tensor(name, computed.outputs[name], binary=binary) for name, binary in wanted.items()]
        answer = InferenceAnswer(model=self.model, id=request.id, outputs=tuple(outputs))
        body, headers = encode_answer(answer, binary=lambda name: wanted[name])
        around_s = time.perf_counter() - started_s - computed.infer_s
        return InferenceResult(body=body, headers=headers, decode_s=max(around_s, 0.0), infer_s=computed.infer_s)

    def _inputs(self, request: InferenceRequest) -> dict[str, npt.NDArray[Any]]:
        given = {tensor.name: tensor for tensor in request.inputs}
        names = [facts.name for facts in self.signature.inputs]
        if sorted(given) != sorted(names) or len(given) != len(request.inputs):
            raise RequestError.bad_request(f"the model has the inputs {', '.join(map(repr, names))}, each once")
        return {facts.name: _values(given[facts.name], facts) for facts in self.signature.inputs}


def _values(tensor: Tensor, facts: TensorFacts) -> npt.NDArray[Any]:
    if tensor.datatype != facts.datatype or tensor.shape != facts.shape or not isinstance(tensor.data, bytes):
        raise RequestError.bad_request(
            f"the input {facts.name!r} takes {facts.datatype} of the shape {list(facts.shape)}, "
            f"not {tensor.datatype} of {list(tensor.shape)}"
        )
    kind = np.dtype(f"<{DATATYPES[tensor.datatype]}")
    values = np.frombuffer(tensor.data, kind).reshape(tensor.shape)
    if not np.isfinite(values).all():
        raise RequestError.bad_request("the tensor holds values that are not finite")
    return values.astype(kind.newbyteorder("="), copy=False)


def _tensor(name: str, values: npt.NDArray[Any], *, binary: bool) -> Tensor:
    if not binary and not np.isfinite(values).all():
        raise RequestError.bad_request(
            f"the output {name!r} is not finite for this input, which JSON cannot hold; ask for binary data"
        )
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return Tensor(name=name, datatype=datatype_of(values.dtype), shape=values.shape, data=little.tobytes())


def datatype_of(kind: np.dtype[Any]) -> str:
    """Return what the protocol calls values of this kind. Raises `KeyError` if it has no name for them."""
    return {np.dtype(code): name for name, code in DATATYPES.items()}[kind.newbyteorder("=")]
