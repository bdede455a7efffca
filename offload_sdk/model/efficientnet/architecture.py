"""EfficientNet-Lite0 as a TFLite graph: its layers, and how a checkpoint's tensors become its weights.

Source of the layers: Tan and Le, EfficientNet (2019), table 1, in the Lite variant that TensorFlow published in
2020: no squeeze-and-excitation, ReLU6 for swish, stem and head of fixed width. Batch norms (eps 1e-3) are folded
into the convolutions before them; padding is TensorFlow's SAME; input (x - 127) / 128.

The input is uint8 and the graph's first step dequantises it with scale 1/128 and zero point 127, which *is* that
normalisation: one pass over the pixels in the runtime instead of two in NumPy, and no float copy of the image.

No file is read or written here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from offload_sdk.model.tflite_writer import Activation, GraphWriter, Operator, TensorType

__all__ = ["INPUT_PX", "build_graph"]

INPUT_PX = 224
_MEAN, _STD = 127, 128
_BATCH_NORM_EPS = 1e-3
_STEM, _HEAD, _CLASSES = 32, 1280, 1000

Tensors = Mapping[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class _Stage:
    """Inverted residual blocks that follow each other; the first one has the stride and changes the width."""

    repeats: int
    kernel: int
    stride: int
    expansion: int
    width: int


_STAGES = (
    _Stage(1, 3, 1, 1, 16),
    _Stage(2, 3, 2, 6, 24),
    _Stage(2, 5, 2, 6, 40),
    _Stage(3, 3, 2, 6, 80),
    _Stage(3, 5, 1, 6, 112),
    _Stage(4, 5, 2, 6, 192),
    _Stage(1, 3, 1, 6, 320),
)


class _Network:
    """Adds layers to a graph, taking their weights from the checkpoint by name."""

    def __init__(self, tensors: Tensors) -> None:
        self._tensors = tensors
        self.graph = GraphWriter("EfficientNet-Lite0, ImageNet, float32 weights, uint8 input")

    def _folded(self, conv: str, norm: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Weights and bias of a convolution with its batch norm in it: y = γ·(w∗x − μ)/√(σ²+ε) + β."""
        weight, gamma, beta, mean, variance = (
            self._tensors[name].astype(np.float64)
            for name in (
                f"{conv}.weight",
                f"{norm}.weight",
                f"{norm}.bias",
                f"{norm}.running_mean",
                f"{norm}.running_var",
            )
        )
        factor = gamma / np.sqrt(variance + _BATCH_NORM_EPS)
        return weight * factor[:, None, None, None], beta - mean * factor

    def convolution(
        self,
        source: int,
        conv: str,
        norm: str,
        activation: Activation,
        *,
        stride: int = 1,
        depthwise: bool = False,
    ) -> int:
        weight, bias = self._folded(conv, norm)  # weight: (out, in, height, width)
        operator = Operator.DEPTHWISE_CONV_2D if depthwise else Operator.CONV_2D
        order = (1, 2, 3, 0) if depthwise else (0, 2, 3, 1)
        batch, height, width, _ = self.graph.shape(source)
        output = self.graph.tensor(conv, (batch, -(-height // stride), -(-width // stride), weight.shape[0]))
        filters = self.graph.constant(f"{conv}.weight", weight.transpose(order))
        biases = self.graph.constant(f"{conv}.bias", bias)
        self.graph.convolution(operator, (source, filters, biases), output, stride=stride, activation=activation)
        return output

    def block(self, source: int, name: str, stage: _Stage, stride: int) -> int:
        x = source
        if stage.expansion > 1:
            x = self.convolution(x, f"{name}._expand_conv", f"{name}._bn0", Activation.RELU6)
        x = self.convolution(
            x, f"{name}._depthwise_conv", f"{name}._bn1", Activation.RELU6, stride=stride, depthwise=True
        )
        x = self.convolution(x, f"{name}._project_conv", f"{name}._bn2", Activation.NONE)
        if self.graph.shape(x) != self.graph.shape(source):
            return x
        total = self.graph.tensor(f"{name}.sum", self.graph.shape(x))
        self.graph.add(x, source, total)
        return total

    def classify(self, source: int) -> int:
        graph = self.graph
        pooled, logits, probabilities = (
            graph.tensor(name, (1, n))
            for name, n in (("pooled", _HEAD), ("logits", _CLASSES), ("probabilities", _CLASSES))
        )
        graph.mean(source, graph.constant("axes", np.array([1, 2]), TensorType.INT32), pooled)
        weights = graph.constant("_fc.weight", self._tensors["_fc.weight"])
        graph.fully_connected(pooled, weights, graph.constant("_fc.bias", self._tensors["_fc.bias"]), logits)
        graph.softmax(logits, probabilities)
        return probabilities


def build_graph(tensors: Tensors) -> bytes:
    """The TFLite file: input uint8 (1, 224, 224, 3) RGB, output float32 (1, 1000) probabilities.

    Raises:
        KeyError: the checkpoint is of another network.
    """
    network = _Network(tensors)
    shape = (1, INPUT_PX, INPUT_PX, 3)
    image = network.graph.tensor("image", shape, TensorType.UINT8, scale=1 / _STD, zero_point=_MEAN)
    x = network.graph.tensor("normalised", shape)
    network.graph.dequantize(image, x)
    x = network.convolution(x, "_conv_stem", "_bn0", Activation.RELU6, stride=2)
    number = 0
    for stage in _STAGES:
        for repeat in range(stage.repeats):
            x = network.block(x, f"_blocks.{number}", stage, stage.stride if repeat == 0 else 1)
            number += 1
    x = network.convolution(x, "_conv_head", "_bn1", Activation.RELU6)
    return network.graph.write(image, network.classify(x))
