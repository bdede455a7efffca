"""Serialises a small static graph as a TFLite file: tensors, operators, inputs, outputs.

Written on `flatbuffers.Builder` with the field numbers of TFLite's public schema (version 3 of `schema.fbs`)
rather than on the generated classes that `ai_edge_litert` ships: 32-bit Arm has only `tflite_runtime`, which
carries none, and one writer for all boards gives the same bytes, hence one SHA-256, on all of them.

Only the operators that our own network needs are here. What the network looks like is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import flatbuffers  # type: ignore[import-untyped]  # it ships no type information
import numpy as np
import numpy.typing as npt

__all__ = ["Activation", "GraphWriter", "Operator", "Padding", "TensorType"]


class TensorType(IntEnum):
    FLOAT32 = 0
    INT32 = 2
    UINT8 = 3


class Operator(IntEnum):
    """`BuiltinOperator` of the schema."""

    ADD = 0
    CONV_2D = 3
    DEPTHWISE_CONV_2D = 4
    DEQUANTIZE = 6
    FULLY_CONNECTED = 9
    SOFTMAX = 25
    MEAN = 40


class Activation(IntEnum):
    NONE = 0
    RELU6 = 3


class Padding(IntEnum):
    SAME = 0
    VALID = 1


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of an options table: its number, the builder's method for its type, its value."""

    slot: int
    method: str
    value: Any


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    shape: tuple[int, ...]
    kind: TensorType
    buffer: int
    scale: float | None = None
    zero_point: int = 0


@dataclass(frozen=True, slots=True)
class _Step:
    operator: Operator
    inputs: tuple[int, ...]
    output: int
    fields: tuple[_Field, ...]


# Operator -> (member of the union BuiltinOptions, version of the operator that the graph relies on).
_OPTIONS: Mapping[Operator, tuple[int, int]] = {
    Operator.ADD: (11, 1),
    Operator.CONV_2D: (1, 1),
    Operator.DEPTHWISE_CONV_2D: (2, 1),
    Operator.DEQUANTIZE: (0, 1),
    Operator.FULLY_CONNECTED: (8, 1),
    Operator.SOFTMAX: (9, 1),
    Operator.MEAN: (27, 1),
}
_NUMPY = {TensorType.FLOAT32: "<f4", TensorType.INT32: "<i4"}


class GraphWriter:
    """Collects tensors and steps in execution order, then writes them. Tensors are known by their number."""

    def __init__(self, description: str) -> None:
        self._description = description
        self._tensors: list[_Tensor] = []
        self._steps: list[_Step] = []
        self._buffers: list[bytes] = [b""]  # buffer 0 is the empty one, by convention

    def tensor(
        self,
        name: str,
        shape: Sequence[int],
        kind: TensorType = TensorType.FLOAT32,
        *,
        scale: float | None = None,
        zero_point: int = 0,
    ) -> int:
        """A tensor that is computed, or fed. With `scale`, real = scale · (stored − zero_point)."""
        self._tensors.append(_Tensor(name, tuple(shape), kind, 0, scale, zero_point))
        return len(self._tensors) - 1

    def constant(self, name: str, values: npt.NDArray[Any], kind: TensorType = TensorType.FLOAT32) -> int:
        self._buffers.append(np.ascontiguousarray(values, _NUMPY[kind]).tobytes())
        self._tensors.append(_Tensor(name, values.shape, kind, len(self._buffers) - 1))
        return len(self._tensors) - 1

    def shape(self, tensor: int) -> tuple[int, ...]:
        return self._tensors[tensor].shape

    def convolution(
        self,
        operator: Operator,
        inputs: tuple[int, int, int],
        output: int,
        *,
        stride: int,
        activation: Activation,
        padding: Padding = Padding.SAME,
    ) -> None:
        """`CONV_2D` (filter: out, height, width, in) or `DEPTHWISE_CONV_2D` (filter: 1, height, width, out)."""
        fields = [
            _Field(0, "PrependInt8Slot", padding),
            _Field(1, "PrependInt32Slot", stride),
            _Field(2, "PrependInt32Slot", stride),
        ]
        if operator is Operator.DEPTHWISE_CONV_2D:
            fields += [_Field(3, "PrependInt32Slot", 1), _Field(4, "PrependInt8Slot", activation)]
        else:
            fields += [_Field(3, "PrependInt8Slot", activation)]
        self._steps.append(_Step(operator, inputs, output, tuple(fields)))

    def add(self, first: int, second: int, output: int) -> None:
        self._steps.append(_Step(Operator.ADD, (first, second), output, ()))

    def dequantize(self, source: int, output: int) -> None:
        self._steps.append(_Step(Operator.DEQUANTIZE, (source,), output, ()))

    def mean(self, source: int, axes: int, output: int) -> None:
        self._steps.append(_Step(Operator.MEAN, (source, axes), output, ()))

    def fully_connected(self, source: int, weights: int, bias: int, output: int) -> None:
        self._steps.append(_Step(Operator.FULLY_CONNECTED, (source, weights, bias), output, ()))

    def softmax(self, source: int, output: int) -> None:
        self._steps.append(_Step(Operator.SOFTMAX, (source,), output, (_Field(0, "PrependFloat32Slot", 1.0),)))

    def write(self, source: int | Sequence[int], output: int | Sequence[int]) -> bytes:
        """The file, with one or several inputs and outputs. The same graph gives the same bytes."""
        builder = flatbuffers.Builder(sum(map(len, self._buffers)) + (1 << 16))
        codes = sorted({step.operator for step in self._steps})
        buffers = _tables(builder, self._buffers, _buffer)
        tensors = _tables(builder, self._tensors, _tensor)
        steps = _tables(builder, self._steps, lambda b, step: _step(b, step, codes.index(step.operator)))
        ends = [_integers(builder, [end] if isinstance(end, int) else end) for end in (source, output)]
        name = builder.CreateString("main")
        builder.StartObject(5)
        for slot, offset in enumerate((tensors, *ends, steps, name)):
            builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        subgraph = _end(builder)
        subgraphs = _offsets(builder, [subgraph])
        operator_codes = _tables(builder, codes, _operator_code)
        description = builder.CreateString(self._description)
        builder.StartObject(5)
        builder.PrependUint32Slot(0, 3, 0)
        for slot, offset in enumerate((operator_codes, subgraphs, description, buffers), start=1):
            builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
        builder.Finish(_end(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def _end(builder: Any) -> int:
    # Releases of flatbuffers share vtables by different rules. Shared by none, the bytes are the same with all.
    builder.vtables.clear()
    return int(builder.EndObject())


def _offsets(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _tables(builder: Any, items: Sequence[Any], write: Callable[[Any, Any], int]) -> int:
    return _offsets(builder, [write(builder, item) for item in items])


def _integers(builder: Any, values: Sequence[int]) -> int:
    return int(builder.CreateNumpyVector(np.array(values, "<i4")))


def _buffer(builder: Any, content: bytes) -> int:
    data = 0
    if content:
        # The runtime maps the file and reads weights in place, which the schema wants aligned to 16 bytes.
        builder.Prep(16, len(content))
        data = builder.CreateNumpyVector(np.frombuffer(content, np.uint8))
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, data, 0)
    return _end(builder)


def _tensor(builder: Any, tensor: _Tensor) -> int:
    quantization = 0
    if tensor.scale is not None:
        scales = builder.CreateNumpyVector(np.array([tensor.scale], "<f4"))
        zero_points = builder.CreateNumpyVector(np.array([tensor.zero_point], "<i8"))
        builder.StartObject(4)
        builder.PrependUOffsetTRelativeSlot(2, scales, 0)
        builder.PrependUOffsetTRelativeSlot(3, zero_points, 0)
        quantization = _end(builder)
    shape = _integers(builder, tensor.shape)
    name = builder.CreateString(tensor.name)
    builder.StartObject(5)
    builder.PrependUOffsetTRelativeSlot(0, shape, 0)
    builder.PrependInt8Slot(1, tensor.kind, 0)
    builder.PrependUint32Slot(2, tensor.buffer, 0)
    builder.PrependUOffsetTRelativeSlot(3, name, 0)
    builder.PrependUOffsetTRelativeSlot(4, quantization, 0)
    return _end(builder)


def _step(builder: Any, step: _Step, code: int) -> int:
    inputs = _integers(builder, step.inputs)
    outputs = _integers(builder, [step.output])
    options_kind = _OPTIONS[step.operator][0]
    options = 0
    if options_kind:
        builder.StartObject(8)
        for field in step.fields:
            getattr(builder, field.method)(field.slot, field.value, 0)
        options = _end(builder)
    builder.StartObject(5)
    builder.PrependUint32Slot(0, code, 0)
    builder.PrependUOffsetTRelativeSlot(1, inputs, 0)
    builder.PrependUOffsetTRelativeSlot(2, outputs, 0)
    builder.PrependUint8Slot(3, options_kind, 0)
    builder.PrependUOffsetTRelativeSlot(4, options, 0)
    return _end(builder)


def _operator_code(builder: Any, operator: Operator) -> int:
    builder.StartObject(4)
    # Slot 0 is where readers before schema 3a look; both hold the number while it is below 127.
    builder.PrependInt8Slot(0, operator, 0)
    builder.PrependInt32Slot(2, _OPTIONS[operator][1], 1)
    builder.PrependInt32Slot(3, operator, 0)
    return _end(builder)
