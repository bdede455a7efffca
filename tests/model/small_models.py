"""Tiny classifiers for tests: three classes, and the brightest channel wins."""

from __future__ import annotations

from collections.abc import Sequence

import flatbuffers  # type: ignore[import-untyped]
import numpy as np

from offload_sdk.model.tflite_writer import GraphWriter, TensorType


def brightest_channel(
    shape: Sequence[int] = (1, 8, 8, 3),
    *,
    dtype: TensorType = TensorType.FLOAT32,
    softmax: bool = True,
    scale: float = 1.0,
    zero_point: int = 0,
) -> bytes:
    """Input of `shape`, output (1, channels): the mean of each channel, as probabilities or logits."""
    graph = GraphWriter("test")
    if dtype is TensorType.FLOAT32:
        source = values = graph.tensor("image", shape)
    else:
        source = graph.tensor("image", shape, dtype, scale=scale, zero_point=zero_point)
        values = graph.tensor("values", shape)
        graph.dequantize(source, values)
    means = graph.tensor("means", (1, shape[-1]))
    graph.mean(values, graph.constant("axes", np.array([1, 2]), TensorType.INT32), means)
    if not softmax:
        return graph.write(source, means)
    probabilities = graph.tensor("probabilities", (1, shape[-1]))
    graph.softmax(means, probabilities)
    return graph.write(source, probabilities)


def metadata(mean: Sequence[float], std: Sequence[float], label_file: str) -> bytes:
    """TFLite metadata with a normalisation of the input and the name of a label file for the output."""
    builder = flatbuffers.Builder(256)
    mean_at = builder.CreateNumpyVector(np.array(mean, np.float32))
    std_at = builder.CreateNumpyVector(np.array(std, np.float32))
    normalisation = _table(builder, {0: mean_at, 1: std_at})
    builder.StartObject(2)
    builder.PrependUint8Slot(0, 1, 0)
    builder.PrependUOffsetTRelativeSlot(1, normalisation, 0)
    unit = builder.EndObject()
    name = builder.CreateString(label_file)
    builder.StartObject(3)
    builder.PrependUOffsetTRelativeSlot(0, name, 0)
    builder.PrependInt8Slot(2, 2, 0)
    file = builder.EndObject()
    source = _table(builder, {4: _vector(builder, unit)})
    answer = _table(builder, {6: _vector(builder, file)})
    subgraph = _table(builder, {2: _vector(builder, source), 3: _vector(builder, answer)})
    builder.Finish(_table(builder, {3: _vector(builder, subgraph)}), file_identifier=b"M001")
    return bytes(builder.Output())


def _table(builder: flatbuffers.Builder, offsets: dict[int, int]) -> int:
    builder.StartObject(8)
    for slot, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    return int(builder.EndObject())


def _vector(builder: flatbuffers.Builder, offset: int) -> int:
    builder.StartVector(4, 1, 4)
    builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())
